"""The published artefacts of SkyScript: what there is, fetching it, unpacking it."""

from stages.published.catalogue import BASE_URL, CATALOGUE, Artefact, choose
from stages.published.config import DownloadConfig, UnpackLimits
from stages.published.job import Outcome, download
from stages.published.progress import Progress

__all__ = [
    "BASE_URL",
    "CATALOGUE",
    "Artefact",
    "DownloadConfig",
    "Outcome",
    "Progress",
    "UnpackLimits",
    "choose",
    "download",
]
