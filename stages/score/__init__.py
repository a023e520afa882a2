"""Score: how alike an image and its captions are, under any CLIP of open_clip's."""

from stages.score.outside import SCORE_JOB
from stages.score.partners import NORMALISE
from stages.score.shards import SHARDS_JOB
from stages.score.stage import SCORE

__all__ = ["NORMALISE", "SCORE", "SCORE_JOB", "SHARDS_JOB"]
