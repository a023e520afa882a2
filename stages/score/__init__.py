"""Score: how alike an image and its captions are, under any CLIP of open_clip's."""

from stages.score.job import SCORE_JOB, SHARDS_JOB
from stages.score.normalise import NORMALISE
from stages.score.stage import SCORE

__all__ = ["NORMALISE", "SCORE", "SCORE_JOB", "SHARDS_JOB"]
