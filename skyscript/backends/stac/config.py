"""The config of a STAC source, and the API and collection that it means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from image_sources import PLANETARY, PLANETARY_TOKEN, SOURCES, StacRoute
from pipeline.errors import InputError
from pipeline.stage import EXECUTION
from skyscript.imagery import source_config as fields


class StacSource(fields.SourceConfig):
    """A collection of a STAC API whose items lead to georeferenced files.

    US, S2, L8, L9 and CH have a public one, named in `image_sources`; for others name it here.
    """

    backend: Literal["stac"] = Field(
        "stac",
        description="Search a STAC API and read the files that it lists. It needs no account.",
    )
    api: str | None = Field(None, description="Search the API at this address.")
    collection: str | None = Field(None, description="Search the collection with this id.")
    assets: tuple[str, ...] | None = Field(
        None,
        description="Read colours from this asset, or from three: red, green and blue. Patterns "
        "such as `*_0.1_*` are allowed.",
    )
    platform: str | None = Field(None, description="Use only items of this satellite.")
    sign: str | None = Field(
        None,
        description="Get read tokens for the files at this address. By default, there are none, "
        "but for collections of the Planetary Computer, which are signed by its own.",
        json_schema_extra=EXECUTION,
    )
    bands: fields.Bands = Field(
        None,
        description="Use these bands of a single asset as red, green and blue. The first band is "
        "1. By default, the item or the file says which they are, and the first three are used if "
        "neither does. A palette becomes its colours.",
    )
    scale: fields.Scale = None
    offset: fields.Offset = None
    nodata: fields.Nodata = None
    mask: fields.Mask = "file"
    resample: fields.Resample = "bilinear"
    grid: fields.Grid = "mercator"
    gsd: fields.Gsd = Field(
        None,
        description="State the ground size of a pixel, in metres. By default, the items state it.",
    )
    years: fields.Years = None
    max_cloud: fields.MaxCloud = 10
    per_place: fields.PerPlace | None = Field(
        None,
        le=100,
        description="Keep this many images of each place, the clearest first. By default, 4 of a "
        "satellite archive of `image_sources` (S2, L8, L9), and all of other collections.",
        json_schema_extra=fields.CHOICE,
    )
    at_once: fields.AtOnce = Field(
        16,
        le=256,
        description="Read at most this many tiles at the same time. There are fewer while the "
        "service answers that there are too many.",
    )
    a_second: fields.ASecond = Field(100, description="Begin at most this many tiles a second.")


def find_route(config: StacSource, alias: str) -> StacRoute:
    """Give the address of the source: the published one, unless the config names another."""
    source = SOURCES.get(alias)
    given = {"api": config.api, "collection": config.collection, "assets": config.assets}
    named = {key: value for key, value in given.items() if value is not None}
    base = source.stac if source and config.api is None else None
    fields: dict[str, Any] = (vars(base) if base else {}) | named
    if config.platform is not None:
        fields["platform"] = config.platform
    if config.sign is not None:
        fields["sign"] = config.sign
    missing = [key for key in given if key not in fields]
    if missing:
        raise InputError(
            f"sources.{alias}: no public STAC route of it is known; set {', '.join(missing)}."
        )
    route = StacRoute(**fields)
    if route.sign is None and route.api.startswith(PLANETARY):
        return replace(route, sign=f"{PLANETARY_TOKEN}{route.collection}")
    return route
