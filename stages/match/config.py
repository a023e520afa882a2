"""The config block of the stage `match`."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import StageConfig
from skyscript.geo.nearby import MOST_SHIFT


class MatchConfig(StageConfig):
    """How shifts between map and images are searched."""

    reach: float = Field(
        10.0,
        ge=1,
        le=MOST_SHIFT,
        description="Search shifts of at most this many metres to the east or west, and to the "
        "north or south. Images whose pixels are larger than half of `reach` are not "
        "matched.",
    )
