"""The sources of images by alias: name, GSD, years, licence and coverage of each.

Scripts in the wild do ``from image_sources import source2name``; the name stays. To add a source,
add an entry to ``image_sources.yaml``: the alias then works with every backend.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml
from pydantic import ConfigDict, TypeAdapter, with_config

SIMULATED = "SIM"
"""The alias of simulated tiles, which are drawn from OpenStreetMap. No photograph may use it."""


LicenceClass = Literal["open", "non_commercial", "trace_only"]
"""What a licence allows: any use if the source is named; no commercial use; or nothing but tracing
into OpenStreetMap."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class StacRoute:
    """A public archive that serves a source without an account.

    It is a STAC API, a static STAC catalogue (JSON files that link to each other), a GeoParquet of
    STAC items, or a bucket of files without a catalogue: one of the fields `KINDS` says where.
    Fields without a value stay out of the text of a route, so that a new field changes no identity.
    """

    api: str | None = None
    collection: str | None = None
    """The id of a collection of an API; of a static catalogue, a pattern of the addresses of the
    collections that serve (`*/rgb/*`)."""
    assets: tuple[str, ...] = ()
    """One asset whose first three bands are red, green and blue, or one asset for each of them."""
    stretch: tuple[float, float] | None = None
    """Stored samples that become black and white, whatever offset an item states; None if the
    assets are 8-bit colours."""
    gsd: float | None = None
    """Metres; None if it equals the GSD of the source."""
    platform: str | None = None
    """Only items of this satellite, if the collection has several."""
    sign: str | None = None
    """The URL of short-lived read tokens for the files of the collection."""
    catalogue: str | None = field(default=None, repr=False)
    """The address of the root of a static catalogue."""
    items: str | None = field(default=None, repr=False)
    """A GeoParquet of STAC items: a path, or ``s3://bucket/key`` of a public bucket."""
    bucket: str | None = field(default=None, repr=False)
    """The address of a public bucket that lists its files as S3 does."""
    prefixes: tuple[str, ...] = field(default=(), repr=False)
    """The beginnings of the names of a bucket's files."""
    files: str = field(default="*.tif", repr=False)
    """A pattern of the names of a bucket's files."""
    acquired: str | None = field(default=None, repr=False)
    """A pattern of the time in the names of a bucket's files: ``in%Y_``."""
    gsd_in_address: str | None = field(default=None, repr=False)
    """A regular expression whose first group is the GSD in metres, in the address of an item."""
    years: tuple[int, int | None] | None = field(default=None, repr=False)
    """The first and the last year, where they are not those of the Earth Engine asset."""

    @property
    def address(self) -> str:
        """Where the archive is, of whichever kind."""
        return next(str(vars(self)[kind]) for kind in KINDS if vars(self)[kind] is not None)


KINDS = ("api", "catalogue", "items", "bucket")
"""The fields of a `StacRoute` that say where it is: exactly one has a value."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class CloudBand:
    """The band that says for each pixel of a satellite image whether it is cloud."""

    band: str
    values: tuple[int, ...] = ()
    """Its values that mean cloud."""
    bits: tuple[int, ...] = ()
    """Its bits, counted from 0, that mean cloud."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class ImageSource:
    """A source of images; file names of a dataset hold its alias."""

    alias: str
    name: str
    """The Earth Engine asset: a collection, or a single image (see ``layout``). Of a source that
    Earth Engine lacks, the name of the archive."""
    gsd: float
    """The finest GSD, in metres."""
    coverage: tuple[float, float, float, float]
    """West, south, east, north in degrees. All images lie inside, but may not cover all of it."""
    years: tuple[int, int | None]
    """The first and the last year; the last is None if new images still come."""
    licence: str
    attribution: str
    """The line that every copy must show."""
    licence_class: LicenceClass = field(default="open", repr=False)
    kind: Literal["aerial", "satellite", "rendered"] = "aerial"
    """The word of captions. SkySat images are called aerial, as in the published dataset."""
    bands: tuple[str, str, str] = ("R", "G", "B")
    """Red, green, blue."""
    layout: Literal["images", "archive", "mosaics", "single", "none"] = "images"
    """The form of the Earth Engine asset.

    ``images`` have true footprints. An ``archive`` is too large to list; it is searched for the
    best images of each place. ``mosaics`` are of a year or more; their footprint says little,
    because most of it may be masked. ``single`` is one image. ``none``: Earth Engine lacks it.
    """
    time_precision: Literal["minute", "day", "year", "range"] = "day"
    """The precision of the acquisition time; for a ``range`` only its two ends are known."""
    stretch: tuple[float, float] | None = None
    """Sample values that become black and white; None if samples are 8-bit colours."""
    gamma: float | None = None
    """Brightens the middle tones after the stretch; None for no change."""
    cloud_property: str | None = None
    """The name of the property with an image's cloud share in percent."""
    clouds: CloudBand | None = None
    stac: StacRoute | None = None
    published: bool = True
    """Whether it is one of the ten sources of the published dataset."""


PLANETARY = "https://planetarycomputer.microsoft.com/api/stac/v1"
PLANETARY_TOKEN = "https://planetarycomputer.microsoft.com/api/sas/v1/token/"


def _read_sources() -> list[ImageSource]:
    """Read and check ``image_sources.yaml``; numbers and lists get the types of `ImageSource`."""
    text = Path(__file__).with_name("image_sources.yaml").read_text(encoding="utf-8")
    entries = [{"alias": alias, **entry} for alias, entry in yaml.safe_load(text).items()]
    return TypeAdapter(list[ImageSource]).validate_python(entries)


SOURCES: dict[str, ImageSource] = {source.alias: source for source in _read_sources()}
"""Every source with a reserved alias; a run uses those that its config names."""

source2name: dict[str, str] = {
    source.alias: source.name for source in SOURCES.values() if source.published
}
"""Alias -> Earth Engine asset, of the ten published sources."""
