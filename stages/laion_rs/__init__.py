"""LAION-RS: a classifier on CLIP vectors selects remote-sensing images among images of the web."""

from stages.laion_rs.fetched import fetch_images
from stages.laion_rs.kept import is_finished, summarise

__all__ = ["fetch_images", "is_finished", "summarise"]
