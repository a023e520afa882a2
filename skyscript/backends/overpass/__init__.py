"""Overpass: OSM objects of a small area, or of a rare tag, from a public service."""

from skyscript.backends.overpass.job import OverpassConfig, ask_overpass

__all__ = ["OverpassConfig", "ask_overpass"]
