"""The sources of images by alias: name, GSD, years, licence and coverage of each.

Scripts in the wild do ``from image_sources import source2name``; the name stays. Ids are those of
the Earth Engine catalogue today: ``CH`` was ``ORTHO/Switzerland/SWISSIMAGE/10cm`` until 2023.
To add a source, add an entry to `_SOURCES`: the alias then works with every backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SIMULATED = "SIM"
"""The alias of simulated tiles, which are drawn from OpenStreetMap. No photograph may use it."""


@dataclass(frozen=True)
class StacRoute:
    """A public STAC API that serves a source without Earth Engine."""

    api: str
    collection: str
    assets: tuple[str, ...]
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


@dataclass(frozen=True)
class CloudBand:
    """The band that says for each pixel of a satellite image whether it is cloud."""

    band: str
    values: tuple[int, ...] = ()
    """Its values that mean cloud."""
    bits: tuple[int, ...] = ()
    """Its bits, counted from 0, that mean cloud."""


@dataclass(frozen=True)
class ImageSource:
    """A source of images; file names of a dataset hold its alias."""

    alias: str
    name: str
    """The Earth Engine asset: a collection, or a single image (see ``layout``)."""
    gsd: float
    """The finest GSD, in metres."""
    coverage: tuple[float, float, float, float]
    """West, south, east, north in degrees. All images lie inside, but may not cover all of it."""
    years: tuple[int, int | None]
    """The first and the last year; the last is None if new images still come."""
    licence: str
    attribution: str
    """The line that every copy must show."""
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


_REFLECTANCE_RGB = ("B4", "B3", "B2")
_GLOBE = (-180.0, -90.0, 180.0, 90.0)
_SKYSAT = (-180.0, -70.0, 180.0, 53.0)
_PUBLIC_DOMAIN = "public domain"
PLANETARY = "https://planetarycomputer.microsoft.com/api/stac/v1"
PLANETARY_TOKEN = "https://planetarycomputer.microsoft.com/api/sas/v1/token/"
_LANDSAT_STRETCH = (7300.0, 18200.0)
"""Surface reflectance 0 to 0.3 in the samples of Collection 2 (times 2.75e-5, minus 0.2)."""


def _landsat(alias: str, number: int, since: int) -> ImageSource:
    return ImageSource(
        alias=alias,
        name=f"LANDSAT/LC0{number}/C02/T1_TOA",
        gsd=30.0,
        bands=_REFLECTANCE_RGB,
        kind="satellite",
        coverage=_GLOBE,
        years=(since, None),
        licence=_PUBLIC_DOMAIN,
        attribution=f"Landsat-{number} image courtesy of the U.S. Geological Survey",
        layout="archive",
        time_precision="minute",
        stretch=(0.0, 0.4),
        gamma=1.2,
        cloud_property="CLOUD_COVER",
        clouds=CloudBand("QA_PIXEL", bits=(1, 2, 3)),  # dilated, cirrus, cloud
        stac=StacRoute(
            PLANETARY,
            "landsat-c2-l2",
            ("red", "green", "blue"),
            stretch=_LANDSAT_STRETCH,
            platform=f"landsat-{number}",
            sign=f"{PLANETARY_TOKEN}landsat-c2-l2",
        ),
    )


_SOURCES = (
    ImageSource(
        alias="CH",
        name="Switzerland/SWISSIMAGE/orthos/10cm",
        gsd=0.1,
        coverage=(5.9, 45.8, 10.6, 47.8),
        years=(2017, 2021),
        licence="swisstopo open government data: any use, the source must be named",
        attribution="© swisstopo, SWISSIMAGE 10 cm",
        layout="mosaics",
        time_precision="year",
        stac=StacRoute(
            "https://data.geo.admin.ch/api/stac/v1", "ch.swisstopo.swissimage-dop10", ("*_0.1_*",)
        ),
    ),
    ImageSource(
        alias="ES",
        name="Spain/PNOA/PNOA10",
        gsd=0.1,
        coverage=(-9.32, 36.11, 4.7, 43.48),
        years=(2007, 2018),
        licence="IGN: any legitimate use, the source must be named",
        attribution="PNOA © Instituto Geográfico Nacional de España",
        layout="mosaics",
        time_precision="range",
    ),
    ImageSource(
        alias="DE",
        name="Germany/Brandenburg/orthos/20cm",
        gsd=0.2,
        coverage=(11.0, 51.28, 15.0, 53.7),
        years=(2021, 2023),
        licence="dl-de/by-2-0: name, licence and address must be given, changes marked",
        attribution="© GeoBasis-DE/LGB, dl-de/by-2-0 (www.govdata.de/dl-de/by-2-0), changed",
        layout="single",
        time_precision="range",
    ),
    ImageSource(
        alias="FI",
        name="Finland/SMK/V/50cm",
        gsd=0.5,
        coverage=(18.0, 59.0, 29.2, 69.4),
        years=(2015, 2022),
        licence="CC BY 4.0",
        attribution="© National Land Survey of Finland, orthophotos, CC BY 4.0",
        layout="mosaics",
        time_precision="year",
    ),
    ImageSource(
        alias="US",
        name="USDA/NAIP/DOQQ",
        gsd=0.6,
        coverage=(-124.84, 24.42, -64.82, 49.72),
        years=(2002, None),
        licence=_PUBLIC_DOMAIN,
        attribution="NAIP imagery: USDA Farm Production and Conservation, Business Center",
        stac=StacRoute(PLANETARY, "naip", ("image",), sign=f"{PLANETARY_TOKEN}naip"),
    ),
    ImageSource(
        alias="P3",
        name="SKYSAT/GEN-A/PUBLIC/ORTHO/RGB",
        gsd=0.8,
        coverage=_SKYSAT,
        years=(2014, 2016),
        licence="CC BY 4.0",
        attribution="© Planet Labs, SkySat, CC BY 4.0",
        time_precision="minute",
    ),
    ImageSource(
        alias="P5",
        name="SKYSAT/GEN-A/PUBLIC/ORTHO/MULTISPECTRAL",
        gsd=2.0,
        coverage=_SKYSAT,
        years=(2014, 2016),
        licence="CC BY 4.0",
        attribution="© Planet Labs, SkySat, CC BY 4.0",
        time_precision="minute",
        # The catalogue gives it for a false-colour view only: a first guess for true colour.
        stretch=(200.0, 6000.0),
    ),
    ImageSource(
        alias="S2",
        name="COPERNICUS/S2_SR_HARMONIZED",
        gsd=10.0,
        bands=_REFLECTANCE_RGB,
        kind="satellite",
        coverage=(-180.0, -56.0, 180.0, 83.0),
        years=(2017, None),
        licence="Copernicus Sentinel legal notice: free use, the source must be named",
        attribution="Contains modified Copernicus Sentinel data",
        layout="archive",
        time_precision="minute",
        stretch=(0.0, 3000.0),
        cloud_property="CLOUDY_PIXEL_PERCENTAGE",
        clouds=CloudBand("SCL", values=(8, 9, 10)),  # likely, surely, cirrus
        stac=StacRoute("https://earth-search.aws.element84.com/v1", "sentinel-2-l2a", ("visual",)),
    ),
    _landsat("L8", 8, since=2013),
    _landsat("L9", 9, since=2021),
    ImageSource(
        alias="NL",
        name="Netherlands/Beeldmateriaal/LUCHTFOTO_RGB",
        gsd=0.08,
        coverage=(3.2, 50.7, 7.3, 53.7),
        years=(2021, 2022),
        licence="CC BY 4.0",
        attribution="opendata.beeldmaterial.nl: © Beeldmateriaal Nederland, CC BY 4.0",
        layout="mosaics",
        time_precision="year",
        published=False,
    ),
    ImageSource(
        alias="SK",
        name="Slovakia/orthos/25cm",
        gsd=0.25,
        coverage=(16.5, 47.4, 22.6, 49.7),
        years=(2017, 2019),
        licence="GKÚ, NLC: any use in works of one's own, the source must be named",
        attribution="GKÚ Bratislava, NLC: orthophotomosaic of the Slovak Republic 2017-2019",
        layout="mosaics",
        time_precision="range",
        published=False,
    ),
    ImageSource(
        alias="EE",
        name="Estonia/Maamet/orthos/rgb",
        gsd=0.4,
        coverage=(21.5, 57.3, 28.3, 59.8),
        years=(1993, 2021),
        licence="Estonian Land Board open data: any use; licensor, title and age must be named",
        attribution="Map data: Estonian Land Board, orthophotos 1993-2021",
        layout="mosaics",
        time_precision="year",
        published=False,
    ),
    ImageSource(
        alias="LV",
        name="Latvia/Maamet/orthos/rgb",
        gsd=0.2,
        coverage=(20.5, 55.5, 28.6, 58.5),
        years=(2007, 2018),
        licence="CC BY 4.0",
        attribution="© Latvian Geospatial Information Agency (LĢIA), orthophotos, CC BY 4.0",
        layout="mosaics",
        time_precision="range",
        published=False,
    ),
    ImageSource(
        alias="NEO",
        name="projects/neon-prod-earthengine/assets/RGB/001",
        gsd=0.1,
        coverage=(-170.0, 16.0, -66.0, 73.0),
        years=(2013, None),
        licence="CC0 1.0",
        attribution="NEON (National Ecological Observatory Network), camera imagery DP3.30010.001",
        published=False,
    ),
    ImageSource(
        alias=SIMULATED,
        name="rendered from OpenStreetMap objects",
        gsd=0.1,
        kind="rendered",
        coverage=(-180.0, -85.0, 180.0, 85.0),
        years=(2004, None),
        licence="ODbL 1.0, that of the objects it is drawn from",
        attribution="Rendered, no photograph. Data © OpenStreetMap contributors, ODbL 1.0",
        layout="none",
        time_precision="year",
        published=False,
    ),
)

SOURCES: dict[str, ImageSource] = {source.alias: source for source in _SOURCES}
"""Every source with a reserved alias; a run uses those that its config names."""

source2name: dict[str, str] = {source.alias: source.name for source in _SOURCES if source.published}
"""Alias -> Earth Engine asset, of the ten published sources."""
