"""The stage `eligible`: which objects a source can show, so that they may get a tile."""

from stages.eligible.config import EligibleConfig
from stages.eligible.stage import ELIGIBLE, find_eligible

__all__ = ["ELIGIBLE", "EligibleConfig", "find_eligible"]
