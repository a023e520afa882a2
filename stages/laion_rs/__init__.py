"""LAION-RS: a classifier on CLIP vectors selects the remote-sensing images of the web."""

from stages.laion_rs.fetched import fetch_images
from stages.laion_rs.job import finished, summary

__all__ = ["fetch_images", "finished", "summary"]
