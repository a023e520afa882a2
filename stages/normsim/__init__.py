"""NormSim: how much each image is like some target images, and like what the others have in common.

Columns for ``filter --join``, computed from the vectors that `score` has stored.
"""

from stages.normsim.config import NormSimConfig
from stages.normsim.job import Done, normsim

__all__ = ["Done", "NormSimConfig", "normsim"]
