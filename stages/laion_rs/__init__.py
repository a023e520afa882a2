"""LAION-RS: the remote-sensing images among those of the web, told by a classifier on CLIP."""

from stages.laion_rs.fetched import fetch_images
from stages.laion_rs.job import LAION_RS_JOB, summary

__all__ = ["LAION_RS_JOB", "fetch_images", "summary"]
"""What `skyscript build-laion-rs` runs."""
