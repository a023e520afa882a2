"""The first and the last step of `train-filter`: choose the pairs to train on; compare the cuts.

The command line trains and scores in between, by the jobs `train` and `score` (Fang et al., Data
Filtering Networks, ICLR 2024).
"""

from stages.train_filter.compare import Comparison, compare_cuts
from stages.train_filter.config import TrainFilterConfig
from stages.train_filter.trust import Trusted, choose_trusted

__all__ = ["Comparison", "TrainFilterConfig", "Trusted", "choose_trusted", "compare_cuts"]
