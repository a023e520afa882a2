"""The config block of a source: its base, and the fields that several kinds of source have.

A kind of source sets the default of such a field, and may narrow it or describe it more closely.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pipeline.stage import EXECUTION, StageConfig
from skyscript.imagery.colours import Interpolation
from skyscript.imagery.grid import GridChoice

CHOICE: dict[str, Any] = {"pixels": False}
"""Pass as ``json_schema_extra``: the field decides which scenes there are, and nothing about how
tiles are cut from them."""


class SourceConfig(StageConfig):
    """Fields that the config block of every source has."""

    weight: float = Field(
        1.0,
        gt=0,
        description="Choose this source in proportion to this weight if several sources suit a "
        "tile.",
        json_schema_extra=CHOICE,
    )

    def cutting(self) -> dict[str, Any]:
        """Give the fields that affect the pixels of a tile of a given scene."""
        fields = type(self).model_fields
        return {
            name: value
            for name, value in self.identity().items()
            if fields[name].json_schema_extra != CHOICE
        }


def _counted_from_one(value: tuple[int, int, int] | None) -> tuple[int, int, int] | None:
    if value and min(value) < 1:
        raise ValueError("bands are counted from 1")
    return value


def _black_below_white(value: tuple[float, float] | None) -> tuple[float, float] | None:
    if value and not value[0] < value[1]:
        raise ValueError("the first value of `scale` must be below the second")
    return value


def _in_order(value: tuple[int, int] | None) -> tuple[int, int] | None:
    if value and value[0] > value[1]:
        raise ValueError("the first of `years` must not be after the second")
    return value


Bands = Annotated[
    tuple[int, int, int] | None,
    AfterValidator(_counted_from_one),
    Field(
        description="Use these bands as red, green and blue. The first band is 1. By default, the "
        "item or the file says which they are, and the first three are used if neither does. A "
        "palette becomes its colours."
    ),
]
Scale = Annotated[
    tuple[float, float] | None,
    AfterValidator(_black_below_white),
    Field(
        description="Map these two values to black and white, after `offset` is subtracted. It "
        "is needed if samples are not 8-bit. By default, 8-bit samples stay as they are."
    ),
]
Offset = Annotated[
    float | None,
    Field(
        description="Subtract this from samples before `scale` maps them. By default, it is the "
        "offset that the item or the file states (in units of the samples): 1000 for Sentinel-2 "
        "since 2022. 0 leaves samples as they are stored."
    ),
]
Nodata = Annotated[
    float | None,
    Field(
        description="Treat a pixel with this value in all three bands as missing. By default, the "
        "file's own nodata value, mask or alpha band decides."
    ),
]
Mask = Annotated[
    Literal["file", "none"],
    Field(
        description="Use the mask or alpha band of the file (`file`), or ignore it (`none`): some "
        "four-band files, as of NAIP, mark their infrared band as alpha."
    ),
]
Resample = Annotated[Interpolation, Field(description="Interpolate between pixels in this way.")]
Grid = Annotated[
    GridChoice,
    Field(
        description="Choose the pixel grid. `mercator`: north is up, and the box in degrees is "
        "exact. `native`: the source's own pixels stay untouched, enough of them to cover the "
        "tile. A box in degrees is slightly rotated against them, so the box that is written "
        "lies inside the image; `crs` and `transform` in the table `images` are exact. A tile "
        "from several images is always `mercator`."
    ),
]
Gsd = Annotated[float | None, Field(gt=0, json_schema_extra=CHOICE)]
Years = Annotated[
    tuple[int, int] | None,
    AfterValidator(_in_order),
    Field(
        description="Use images from the first to the last of these two years. By default, all "
        "years are used.",
        json_schema_extra=CHOICE,
    ),
]
MaxCloud = Annotated[
    float,
    Field(
        gt=0,
        le=100,
        description="Use a satellite image only if less than this percentage of it is cloud.",
        json_schema_extra=CHOICE,
    ),
]
PerPlace = Annotated[
    int,
    Field(
        ge=1,
        description="Keep this many images of each place of a satellite archive (S2, L8, L9): the "
        "clearest of those that show all of its objects. If no image shows all, keep as many for "
        "each object.",
        json_schema_extra=CHOICE,
    ),
]
AtOnce = Annotated[int, Field(ge=1, json_schema_extra=EXECUTION)]
ASecond = Annotated[float, Field(gt=0, json_schema_extra=EXECUTION)]
