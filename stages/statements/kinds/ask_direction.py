"""Questions on directions: "Where is the church, seen from the car park?" and "North".

The claims are those of ``direction`` on things that are the only ones of their kinds in the image,
which lies within the bounds of the extract.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stages.statements.claims import Claims
from stages.statements.kinds.direction import DIRECTION
from stages.statements.scenes import Scenes, once


def single(claims: Claims, scenes: Scenes) -> Claims:
    """Give the claims on two things that are the only ones of their kinds in the image."""
    one, other = claims.pair
    return claims.take(np.flatnonzero(scenes.sole[one] & scenes.sole[other]))


@once
def _make(scenes: Scenes) -> Claims:
    return single(DIRECTION.make(scenes), scenes)


ASK_DIRECTION = replace(
    DIRECTION,
    name="ask_direction",
    role="question",
    make=_make,
    phrasings=(
        "Where {is} the {one}, seen from the {other}?",
        "In which direction from the {other} {is} the {one}?",
    ),
    seconds=("{Direction}.", "{Direction}."),
)
