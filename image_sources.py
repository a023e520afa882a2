"""The sources of images by their alias: what they are, how sharp, whose, and where.

Scripts in the wild do ``from image_sources import source2name``; the name stays. Ids are those of
the Earth Engine catalogue today: ``CH`` was ``ORTHO/Switzerland/SWISSIMAGE/10cm`` until 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SIMULATED = "SIM"
"""The alias of tiles that are drawn from OpenStreetMap: reserved, no photograph has it."""


@dataclass(frozen=True)
class ImageSource:
    """A source of images that datasets name by its alias."""

    alias: str
    name: str
    """The Earth Engine collection (of ``DE``: a single image)."""
    gsd: float
    """Metres on the ground a pixel, at its best."""
    bands: tuple[str, str, str]
    """Red, green, blue."""
    kind: Literal["aerial", "satellite", "rendered"]
    """What captions call it. SkySat's are called aerial, as in the published dataset."""
    coverage: tuple[float, float, float, float]
    """West, south, east, north in degrees: nothing lies outside, and not all inside is covered."""
    licence: str
    attribution: str
    """The line that goes with every copy."""


_RGB = ("R", "G", "B")
_LANDSAT_RGB = ("B4", "B3", "B2")
_GLOBE = (-180.0, -90.0, 180.0, 90.0)
_SKYSAT = (-180.0, -70.0, 180.0, 53.0)
_PUBLIC_DOMAIN = "public domain"

_SOURCES = (
    ImageSource(
        alias="CH",
        name="Switzerland/SWISSIMAGE/orthos/10cm",
        gsd=0.1,
        bands=_RGB,
        kind="aerial",
        coverage=(5.9, 45.8, 10.6, 47.8),
        licence="swisstopo open government data: any use, the source must be named",
        attribution="© swisstopo, SWISSIMAGE 10 cm",
    ),
    ImageSource(
        alias="ES",
        name="Spain/PNOA/PNOA10",
        gsd=0.1,
        bands=_RGB,
        kind="aerial",
        coverage=(-9.32, 36.11, 4.7, 43.48),
        licence="IGN: any legitimate use, the source must be named",
        attribution="PNOA © Instituto Geográfico Nacional de España",
    ),
    ImageSource(
        alias="DE",
        name="Germany/Brandenburg/orthos/20cm",
        gsd=0.2,
        bands=_RGB,
        kind="aerial",
        coverage=(11.0, 51.28, 15.0, 53.7),
        licence="dl-de/by-2-0: name, licence and address must be given, changes marked",
        attribution="© GeoBasis-DE/LGB, dl-de/by-2-0 (www.govdata.de/dl-de/by-2-0), changed",
    ),
    ImageSource(
        alias="FI",
        name="Finland/SMK/V/50cm",
        gsd=0.5,
        bands=_RGB,
        kind="aerial",
        coverage=(18.0, 59.0, 29.2, 69.4),
        licence="CC BY 4.0",
        attribution="© National Land Survey of Finland, orthophotos, CC BY 4.0",
    ),
    ImageSource(
        alias="US",
        name="USDA/NAIP/DOQQ",
        gsd=0.6,
        bands=_RGB,
        kind="aerial",
        coverage=(-124.84, 24.42, -64.82, 49.72),
        licence=_PUBLIC_DOMAIN,
        attribution="NAIP imagery: USDA Farm Production and Conservation, Business Center",
    ),
    ImageSource(
        alias="P3",
        name="SKYSAT/GEN-A/PUBLIC/ORTHO/RGB",
        gsd=0.8,
        bands=_RGB,
        kind="aerial",
        coverage=_SKYSAT,
        licence="CC BY 4.0",
        attribution="© Planet Labs, SkySat, CC BY 4.0",
    ),
    ImageSource(
        alias="P5",
        name="SKYSAT/GEN-A/PUBLIC/ORTHO/MULTISPECTRAL",
        gsd=2.0,
        bands=_RGB,
        kind="aerial",
        coverage=_SKYSAT,
        licence="CC BY 4.0",
        attribution="© Planet Labs, SkySat, CC BY 4.0",
    ),
    ImageSource(
        alias="S2",
        name="COPERNICUS/S2_SR_HARMONIZED",
        gsd=10.0,
        bands=("B4", "B3", "B2"),
        kind="satellite",
        coverage=(-180.0, -56.0, 180.0, 83.0),
        licence="Copernicus Sentinel legal notice: free use, the source must be named",
        attribution="Contains modified Copernicus Sentinel data",
    ),
    ImageSource(
        alias="L8",
        name="LANDSAT/LC08/C02/T1_TOA",
        gsd=30.0,
        bands=_LANDSAT_RGB,
        kind="satellite",
        coverage=_GLOBE,
        licence=_PUBLIC_DOMAIN,
        attribution="Landsat-8 image courtesy of the U.S. Geological Survey",
    ),
    ImageSource(
        alias="L9",
        name="LANDSAT/LC09/C02/T1_TOA",
        gsd=30.0,
        bands=_LANDSAT_RGB,
        kind="satellite",
        coverage=_GLOBE,
        licence=_PUBLIC_DOMAIN,
        attribution="Landsat-9 image courtesy of the U.S. Geological Survey",
    ),
    ImageSource(
        alias=SIMULATED,
        name="rendered from OpenStreetMap objects",
        gsd=0.1,
        bands=_RGB,
        kind="rendered",
        coverage=(-180.0, -85.0, 180.0, 85.0),
        licence="ODbL 1.0, that of the objects it is drawn from",
        attribution="Rendered, no photograph. Data © OpenStreetMap contributors, ODbL 1.0",
    ),
)

SOURCES: dict[str, ImageSource] = {source.alias: source for source in _SOURCES}
"""Every source with a reserved alias."""

source2name: dict[str, str] = {
    source.alias: source.name for source in _SOURCES if source.alias != SIMULATED
}
"""Alias -> Earth Engine collection, of the ten published sources."""
