"""The config block of a source: its base, and the fields that several kinds of source have.

A kind of source sets the default of such a field, and may narrow it or describe it more closely.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pipeline.stage import EXECUTION, StageConfig
from skyscript.imagery.grid import GridChoice
from skyscript.imagery.warp import Interpolation

CHOICE: dict[str, Any] = {"pixels": False}
"""Pass as ``json_schema_extra``: the field decides which scenes there are, and nothing about how
tiles are cut from them."""


class SourceConfig(StageConfig):
    """Fields that the config block of every source has."""

    weight: float = Field(
        1.0,
        gt=0,
        description="How often this source is drawn if several suit, relative to the others.",
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


def _counted_from_one(value: tuple[int, int, int]) -> tuple[int, int, int]:
    if min(value) < 1:
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
    tuple[int, int, int],
    AfterValidator(_counted_from_one),
    Field(description="The bands that are red, green and blue, counted from 1."),
]
Scale = Annotated[
    tuple[float, float] | None,
    AfterValidator(_black_below_white),
    Field(
        description="Sample values that become black and white. Needed where samples are not "
        "8-bit; without it 8-bit samples stay as they are."
    ),
]
Nodata = Annotated[
    float | None,
    Field(
        description="A pixel with this value in all three bands has no data. Without it the "
        "file's own nodata value, mask or alpha band counts."
    ),
]
Mask = Annotated[
    Literal["file", "none"],
    Field(
        description="`none` ignores mask and alpha band: some four-band files (NAIP from several "
        "hands) call their infrared band alpha."
    ),
]
Resample = Annotated[Interpolation, Field(description="How pixels between pixels are made.")]
Grid = Annotated[
    GridChoice,
    Field(
        description="`mercator`: north is up and the box in degrees is exact. `native`: the "
        "source's own pixels, as many as hold the tile, unchanged; the tile's box in degrees lies "
        "slightly askew in them, and the table `images` has the exact `crs` and `transform`. A "
        "tile made of several images is always `mercator`."
    ),
]
Gsd = Annotated[float | None, Field(gt=0, json_schema_extra=CHOICE)]
Years = Annotated[
    tuple[int, int] | None,
    AfterValidator(_in_order),
    Field(
        description="The first and the last year. Without it: all years that the source has.",
        json_schema_extra=CHOICE,
    ),
]
MaxCloud = Annotated[
    float,
    Field(
        gt=0,
        le=100,
        description="Only images with fewer percent under cloud are used; only for satellites.",
        json_schema_extra=CHOICE,
    ),
]
PerPlace = Annotated[
    int,
    Field(
        ge=1,
        description="How many images of each place are used, clearest first; only for satellites "
        "(S2, L8, L9).",
        json_schema_extra=CHOICE,
    ),
]
AtOnce = Annotated[int, Field(ge=1, json_schema_extra=EXECUTION)]
ASecond = Annotated[float, Field(gt=0, json_schema_extra=EXECUTION)]
