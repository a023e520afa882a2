"""The stage `extract`: OSM objects from an OSM file."""

from stages.extract.config import ExtractConfig
from stages.extract.stage import EXTRACT, extract

__all__ = ["EXTRACT", "ExtractConfig", "extract"]
