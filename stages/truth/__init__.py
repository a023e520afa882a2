"""The stage `truth`: whether each image shows a concept, or certainly does not."""

from stages.truth.config import TruthConfig
from stages.truth.stage import TRUTH, truth

__all__ = ["TRUTH", "TruthConfig", "truth"]
