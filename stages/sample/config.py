"""The config block of the stage `sample`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import StageConfig

CellDraw = Literal["occupied", "area", "inverse_density"]


class SampleConfig(StageConfig):
    """Which eligible objects get a tile; every object stays as context for its neighbours' tiles.

    Without ``cells`` and ``balanced``, all of them do.
    """

    seed: int = Field(0, description="Seed the random choice of the cells.")
    cells: int | None = Field(
        None,
        ge=1,
        description="Draw this many of the cells that hold an eligible object, and take them "
        "whole. The paper draws 400,000 on the whole Earth.",
    )
    cell_degrees: float = Field(
        0.01, gt=0, le=10, description="Make a cell this many degrees wide and high."
    )
    cell_draw: CellDraw = Field(
        "occupied",
        description="Draw each occupied cell with the same chance (`occupied`, as in the paper). "
        "Or in proportion to its area on the ground (`area`), because a cell far from the equator "
        "is narrow: otherwise, the same land gives twice as many cells at 60 degrees. Or against "
        "its number of eligible objects (`inverse_density`), because a cell is taken whole: "
        "otherwise, a few cities give most of the tiles.",
    )
    rare_below: int = Field(
        10,
        ge=0,
        description="Call a tag rare if fewer objects than this carry it in the drawn cells. Its "
        "objects are taken wherever they are.",
    )
    rare_cap: int = Field(
        50,
        ge=1,
        description="Take at most this many objects of a rare tag, including those in drawn cells.",
    )
    balanced: int | None = Field(
        None,
        ge=1,
        description="Take this many objects of each tag, or all if there are fewer, drawn over the "
        "whole area; frequent tags come more often, as companions of others. With `cells`, these "
        "objects are taken in addition; without it, only these.",
    )
    max_objects: int | None = Field(
        None,
        ge=1,
        description="Take at most this many objects in total. Up to half of them go to rare and "
        "balanced tags, one object for each tag, then a second one, and so on; the rest is drawn "
        "from all other objects, and only if these are too few, from the former again. By default, "
        "there is no limit.",
    )
    shard_rows: int = Field(
        256,
        ge=1,
        description="Put this many objects in each part of all later tables. A worker processes "
        "one part at a time.",
    )
