"""The stage `extract`: OSM objects from an OSM file."""

from stages.extract.stage import EXTRACT

__all__ = ["EXTRACT"]
