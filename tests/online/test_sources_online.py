"""A tile of each source from the live services; off by default (`pytest -m online`).

Earth Engine needs an account and SKYSCRIPT_EE_PROJECT; the STAC archives need neither.
"""

import os

import pyarrow as pa
import pytest

from image_sources import SOURCES
from skyscript.backends.earth_engine import EarthEngineBackend, EarthEngineSource
from skyscript.backends.live_probe import PLACES
from skyscript.backends.stac.config import StacSource
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box, tile_around
from skyscript.imagery.protocol import RemoteBackend

pytestmark = pytest.mark.online


def shows(archive: RemoteBackend, alias: str) -> bool:
    """Say whether one of the first scenes shows a place where the source should have images."""
    place = PLACES[alias]
    scenes = archive.search(alias, [Box(*place, *place)])
    assert scenes, f"{alias} has no image of {place}"
    tiles = [(scene, tile_around(*place, 128, 128, scene.gsd)) for scene in scenes[:8]]
    return any(archive.cut(*pair, pa.table({})).valid.all() for pair in tiles)


@pytest.mark.parametrize("alias", PLACES)
def test_earth_engine(alias: str) -> None:
    project = os.environ.get("SKYSCRIPT_EE_PROJECT")
    if not project:
        pytest.skip("SKYSCRIPT_EE_PROJECT names no project")
    assert shows(EarthEngineBackend(EarthEngineSource(project=project)), alias)


@pytest.mark.parametrize("alias", [alias for alias, source in SOURCES.items() if source.stac])
def test_stac(alias: str) -> None:
    assert shows(StacBackend(StacSource(years=(2017, 2023))), alias)
