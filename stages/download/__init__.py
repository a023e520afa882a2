"""The files that SkyScript's authors published: the catalogue, the download, the unpacking."""

from stages.download.catalogue import BASE_URL, CATALOGUE, Artefact, choose
from stages.download.config import DownloadConfig, UnpackLimits
from stages.download.job import Outcome, download

__all__ = [
    "BASE_URL",
    "CATALOGUE",
    "Artefact",
    "DownloadConfig",
    "Outcome",
    "UnpackLimits",
    "choose",
    "download",
]
