"""The config block of the stage `eligible`."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import StageConfig
from skyscript.geo.bbox import Bbox


class EligibleConfig(StageConfig):
    """Which objects a source can show."""

    seed: int = Field(
        0,
        description="Seed the random number that each object gets. The stage `sample` takes "
        "the objects with low numbers first.",
    )
    bbox: Bbox | None = Field(
        None,
        description="Make tiles only for objects in this box: west, south, east, north, in "
        "degrees. All others stay in the extract, so that a tile at the edge of the box knows what "
        "it shows. A point or an area is in the box if its centre is, a line if one of its nodes "
        "is; plan leaves out the lines that only pass by. If west is greater than east, the box "
        "crosses 180 degrees. Set it at the top level, because plan uses the same key.",
    )
    gsd_slack: float = Field(
        1.0,
        ge=1,
        description="Allow an image to be this many times coarser than a tag's maximum GSD. Set "
        "it at the top level, because plan and overlay use the same key.",
    )
    min_extent: float = Field(
        5.0,
        ge=0,
        description="Leave out an area whose longer side would have fewer pixels than this in "
        "every source. Set it at the top level, because plan uses the same key.",
    )
    object_side: tuple[int, int] = Field(
        (224, 512),
        description="Leave out a point or a line of which the largest of these sides, in pixels, "
        "shows too little in every source. Set it at the top level, because plan uses the same "
        "key.",
    )
    max_side: int = Field(
        1000,
        le=8192,
        description="Leave out an area whose longer side would have more pixels than this in "
        "every source. Set it at the top level, because plan uses the same key.",
    )
