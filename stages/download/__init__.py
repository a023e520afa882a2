"""The published artefacts of SkyScript: what there is, fetching it, unpacking it."""

from stages.download.catalogue import BASE_URL, CATALOGUE, Artefact, choose
from stages.download.config import DownloadConfig, UnpackLimits
from stages.download.job import Outcome, download
from stages.download.progress import Progress

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
