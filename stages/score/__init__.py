"""Score: how alike an image and its captions are, under any CLIP of open_clip's."""

from stages.score.csv_pairs import SCORE_JOB
from stages.score.normalise import NORMALISE
from stages.score.stage import SCORE
from stages.score.tar_pairs import SHARDS_JOB

__all__ = ["NORMALISE", "SCORE", "SCORE_JOB", "SHARDS_JOB"]
