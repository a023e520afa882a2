"""Damaged GeoTIFFs: scenes and tiles, or one line that names the file."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscript.backends.folder import FolderBackend
from skyscript.geo.tile import tile_around
from skyscript.imagery.protocol import TryLater
from tests.hostile import check_reader, damaged, examples
from tests.skyscript.backends.folders import NO_OBJECTS, source
from tests.skyscript.imagery.rasters import write_raster

PIXELS = np.random.default_rng(0).integers(0, 255, (3, 48, 64), np.uint8)
KINDS = {
    "striped": {},
    "tiled": {"tiled": True, "blockxsize": 16, "blockysize": 16},
    "deflated": {"compress": "deflate", "predictor": 2, "tags": {"TIFFTAG_DATETIME": "2020"}},
    "big": {"BIGTIFF": "YES", "nodata": 0},
    "geographic": {"crs": "EPSG:4326", "pixel": 0.0001},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("whole")
    files = [write_raster(folder / f"{kind}.tif", PIXELS, **KINDS[kind]) for kind in KINDS]
    return [file.read_bytes() for file in files]


def read(path: Path) -> None:
    backend = FolderBackend(source(path))
    for scene in backend.scenes("ORT"):
        lon, lat = (scene.box.west + scene.box.east) / 2, (scene.box.south + scene.box.north) / 2
        try:
            backend.cut(scene, tile_around(lon, lat, 32, 32, 0.5), NO_OBJECTS)
        except TryLater as error:
            assert path.name in str(error)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@examples(60)
@given(data=st.data())
def test_a_damaged_geotiff(tmp_path_factory, whole, data):
    folder = tmp_path_factory.mktemp("any") / "inside"
    folder.mkdir()
    path = folder / "ort.tif"
    path.write_bytes(data.draw(st.sampled_from(whole).flatmap(damaged)))
    check_reader(read, path)
