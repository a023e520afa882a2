"""The job `census`: what OSM files hold and where, in one cheap pass, before a run."""

from stages.census.config import CensusConfig
from stages.census.job import census

__all__ = ["CensusConfig", "census"]
