"""Real images, served by the emulator on any grid: do all backends put them at the same place?"""

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from shapely.geometry import Polygon, mapping

from skyscript.backends.earth_engine import EarthEngineBackend, EarthEngineSource
from skyscript.backends.folder import FolderBackend, FolderSource
from skyscript.backends.stac.config import StacSource
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box, Tile, tile_around
from tests.conftest import real_files
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine
from tests.emulators.earth_images import from_raster
from tests.emulators.stac import StacArchive, item
from tests.skyscript.imagery.rasters import PLACES, write_picture

pytestmark = pytest.mark.slow


NOTHING = pa.table({})
NAMES = {
    "US": "USDA/NAIP/DOQQ",
    "CH": "Switzerland/SWISSIMAGE/orthos/10cm",
    "NL": "Netherlands/Beeldmateriaal/LUCHTFOTO_RGB",
    "NEO": "projects/neon-prod-earthengine/assets/RGB/001",
}
REAL = [
    ("imagery/naip_wi_0.6m_20200902.tif", "US", 100),
    ("imagery/zurich_ortho_0.5m.tif", "CH", 300),
    ("imagery/nl_ortho_0.25m_deepforest.tif", "NL", 400),
    ("imagery/neon_sjer_ca_0.1m_2018.tif", "NEO", 200),
]
S2 = "imagery/s2_virginia_eastern_shore_10m_tci_cog.tif"


def offset(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Give by how many pixels one image must be moved to lie on the other."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in (one, other)]
    height, width = grey[0].shape
    (x, y), response = cv2.phaseCorrelate(
        *grey, cv2.createHanningWindow((width, height), cv2.CV_32F)
    )
    assert response > 0.3
    return float(np.hypot(x, y))


def tile_of(path: Path, side: int) -> tuple[Tile, npt.NDArray[np.uint8], Box]:
    folder = FolderBackend(FolderSource(path=path, acquired=2020))
    (scene,) = folder.scenes("ORT")
    place = (scene.box.west + scene.box.east) / 2, (scene.box.south + scene.box.north) / 2
    tile = tile_around(*place, side, side - 16, scene.gsd)
    return tile, folder.cut(scene, tile, NOTHING).rgb, scene.box


@pytest.mark.parametrize(("path", "alias", "side"), real_files(*REAL))
def test_a_tile_of_earth_engine_lies_where_the_files_tile_lies(
    path: Path, alias: str, side: int, tmp_path: Path
) -> None:
    compare_with_earth_engine(path, alias, side, tmp_path)


def test_a_tile_of_earth_engine_lies_where_the_tile_of_a_made_file_lies(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "picture.tif", "EPSG:32618", PLACES["EPSG:32618"], 0.6)
    compare_with_earth_engine(path, "US", 300, tmp_path)


def compare_with_earth_engine(path: Path, alias: str, side: int, folder: Path) -> None:
    """Compare a file's tile with the one that an emulated Earth Engine cuts from the same file."""
    name = NAMES[alias]
    tile, wanted, _ = tile_of(path, side)
    asset = from_raster(f"{name}/2019", path, "RGB", start=datetime(2019, 1, 1, tzinfo=UTC))
    with EarthEngine({name: [asset]}) as earth:
        given = {
            "project": PROJECT,
            "service_account": key_file(folder / "key.json", earth.url),
            "endpoint": earth.url,
            "years": (2019, 2022),
        }
        backend = EarthEngineBackend(EarthEngineSource.model_validate(given))
        (scene,) = backend.search(alias, [tile.box])
        image = backend.cut(scene, tile, NOTHING)
    assert image.valid.all()
    assert offset(image.rgb, wanted) < 0.5


@pytest.mark.parametrize("path", real_files(S2))
def test_a_tile_of_an_archive_is_the_files_tile(path: Path) -> None:
    compare_with_archive(path)


def test_a_tile_of_an_archive_is_the_tile_of_a_made_file(tmp_path: Path) -> None:
    compare_with_archive(write_picture(tmp_path / "a.tif", "EPSG:32618", PLACES["EPSG:32618"], 10))


def compare_with_archive(path: Path) -> None:
    """Compare a file's tile with the one that is read over HTTP from an emulated archive."""
    tile, wanted, box = tile_of(path, 300)
    items = [item("s2", "", mapping(_polygon(box)), **{"eo:cloud_cover": 1})]
    with StacArchive({"images": items}, path.parent) as archive:
        items[0]["assets"]["visual"]["href"] = f"{archive.url}/files/{path.name}"
        backend = StacBackend(StacSource(api=archive.url, collection="images", assets=("visual",)))
        (scene,) = backend.search("S2", [tile.box])
        assert scene.gsd == 10
        assert np.array_equal(backend.cut(scene, tile, NOTHING).rgb, wanted)


def _polygon(box: Box) -> Polygon:
    from shapely.geometry import box as polygon

    return polygon(*box)
