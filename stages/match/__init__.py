"""Match: says how well the map's outlines lie on each image, and by which shift they lie best."""

from stages.match.config import MatchConfig
from stages.match.stage import MATCH

__all__ = ["MATCH", "MatchConfig"]
