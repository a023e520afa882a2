"""The config of a STAC source, and the API and collection that it means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from image_sources import (
    KINDS,
    PLANETARY,
    PLANETARY_TOKEN,
    SOURCES,
    LicenceClass,
    StacRoute,
)
from pipeline.errors import InputError
from pipeline.stage import EXECUTION
from skyscript.imagery import source_config as fields
from skyscript.imagery.acquisition_time import NamePattern

BUCKET_ASSET = "file"
"""The name of a bucket's file where an item would name its asset."""


class StacSource(fields.SourceConfig):
    """An archive of georeferenced files on servers: with a STAC API or catalogue, or a bare bucket.

    `skyscript sources` lists the aliases that have a public one; for others name it here.
    """

    backend: Literal["stac"] = Field(
        "stac",
        description="Search a public archive and read the files that it lists. It needs no "
        "account.",
    )
    api: str | None = Field(None, description="Search the STAC API at this address.")
    catalogue: str | None = Field(
        None, description="Read the static STAC catalogue whose root is at this address."
    )
    items: str | None = Field(
        None,
        description="Search this GeoParquet of STAC items: an absolute path, or s3://bucket/key of "
        "a public bucket.",
    )
    bucket: str | None = Field(
        None,
        description="List the files of the public bucket at this address, and read their headers. "
        "It needs `acquired_name`.",
    )
    prefixes: tuple[str, ...] = Field(
        (), description="List only files of the bucket whose names begin with one of these."
    )
    files: str = Field(
        "*.tif", description="Use only files of the bucket whose names match this pattern."
    )
    acquired_name: NamePattern = Field(
        None,
        description="Read the time in the names of the bucket's files by this pattern, for example "
        "orthos_%Y/ or %Y%m%d.",
    )
    collection: str | None = Field(
        None,
        description="Search the collection with this id. In a static catalogue, use the "
        "collections whose addresses match this pattern. By default, all are used.",
    )
    assets: tuple[str, ...] | None = Field(
        None,
        description="Read colours from this asset, or from three: red, green and blue. Patterns "
        "such as `*_0.1_*` are allowed.",
    )
    platform: str | None = Field(None, description="Use only items of this satellite.")
    sign: str | None = Field(
        None,
        description="Get read tokens for the files at this address. By default, only "
        "collections of the Planetary Computer get tokens, from its own service.",
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
    licences: tuple[LicenceClass, ...] = Field(
        ("open",),
        min_length=1,
        description="Use images of these classes of licences: `open`, `non_commercial`, "
        "`trace_only` (only to trace for OSM). Items that state a non-commercial "
        "licence are left out, too, unless `non_commercial` is among the classes.",
        json_schema_extra=fields.CHOICE,
    )
    years: fields.Years = None
    max_cloud: fields.MaxCloud = 10
    per_place: fields.PerPlace | None = Field(
        None,
        le=100,
        description="Keep this many images of each place: the clearest of those that show all of "
        "its objects. If no image shows all, keep as many for each object. By default, 4 of a "
        "satellite archive of `image_sources` (S2, L8, L9), and all of other collections.",
        json_schema_extra=fields.CHOICE,
    )
    at_once: fields.AtOnce = Field(
        16,
        le=256,
        description="Read at most this many tiles at the same time. Fewer are read while the "
        "service answers that there are too many requests.",
    )
    a_second: fields.ASecond = Field(
        100, description="Start to read at most this many tiles a second."
    )


def find_route(config: StacSource, alias: str) -> StacRoute:
    """Give the address of the source: the published one, unless the config names another.

    Raises `InputError` if none is known, or the config names several kinds of archive.
    """
    source = SOURCES.get(alias)
    given = {
        **{kind: getattr(config, kind) for kind in KINDS},
        "collection": config.collection,
        "assets": config.assets,
        "platform": config.platform,
        "sign": config.sign,
        "acquired": config.acquired_name,
    }
    named = {key: value for key, value in given.items() if value is not None}
    kinds = [kind for kind in KINDS if kind in named]
    if len(kinds) > 1:
        raise InputError(f"sources.{alias}: set one of {', '.join(kinds)}, not several.")
    base = source.stac if source and not kinds else None
    facts: dict[str, Any] = (vars(base) if base else {}) | named
    if kinds == ["bucket"]:
        facts |= {"prefixes": config.prefixes, "files": config.files}
    kind = next((kind for kind in KINDS if facts.get(kind) is not None), "api")
    if missing := [key for key in _NEEDS[kind] if not facts.get(key)]:
        names = [_OPTION.get(key, key) for key in missing]
        raise InputError(
            f"sources.{alias}: no public STAC route of it is known; set {', '.join(names)}."
        )
    if kind == "bucket":
        facts["assets"] = (BUCKET_ASSET,)
    route = StacRoute(**facts)
    if route.sign is None and route.api is not None and route.api.startswith(PLANETARY):
        return replace(route, sign=f"{PLANETARY_TOKEN}{route.collection}")
    return route


_NEEDS = {
    "api": ("api", "collection", "assets"),
    "catalogue": ("assets",),
    "items": ("assets",),
    "bucket": ("acquired",),
}
_OPTION = {"acquired": "acquired_name"}


def refused_licence(config: StacSource, alias: str) -> str | None:
    """Say why the licence of a source is not among those of the config; None if it is."""
    source = SOURCES.get(alias)
    is_own = any(getattr(config, kind) is not None for kind in KINDS)
    if source is None or is_own or source.licence_class in config.licences:
        return None
    return (
        f"the licence of {alias} ({source.licence}) is of the class {source.licence_class}: leave "
        f"it out, or set its licences to [{', '.join((*config.licences, source.licence_class))}]"
    )
