"""Score: how similar an image and its captions are, under any CLIP that open_clip loads."""

from stages.score.normalise import NORMALISE
from stages.score.stage import SCORE

__all__ = ["NORMALISE", "SCORE"]
