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
from skyscript.backends.stac.source import StacBackend, StacSource
from skyscript.geo.tile import Box, Tile, tile_around
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine
from tests.emulators.earth_images import from_raster
from tests.emulators.stac import StacArchive, item

NOTHING = pa.table({})
IMAGES = {
    "US": ("USDA/NAIP/DOQQ", "naip_wi_0.6m_20200902.tif", 100),
    "CH": ("Switzerland/SWISSIMAGE/orthos/10cm", "zurich_ortho_0.5m.tif", 300),
    "NL": ("Netherlands/Beeldmateriaal/LUCHTFOTO_RGB", "nl_ortho_0.25m_deepforest.tif", 400),
    "NEO": ("projects/neon-prod-earthengine/assets/RGB/001", "neon_sjer_ca_0.1m_2018.tif", 200),
}


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


@pytest.mark.parametrize("alias", IMAGES)
def test_a_tile_of_earth_engine_lies_where_the_files_tile_lies(
    alias: str, shared_data: Path, tmp_path: Path
) -> None:
    name, file, side = IMAGES[alias]
    path = shared_data / "imagery" / file
    tile, wanted, _ = tile_of(path, side)
    asset = from_raster(f"{name}/2019", path, "RGB", start=datetime(2019, 1, 1, tzinfo=UTC))
    with EarthEngine({name: [asset]}) as earth:
        given = {
            "project": PROJECT,
            "service_account": key_file(tmp_path / "key.json", earth.url),
            "endpoint": earth.url,
            "years": (2019, 2022),
        }
        backend = EarthEngineBackend(EarthEngineSource.model_validate(given))
        (scene,) = backend.search(alias, [tile.box])
        image = backend.cut(scene, tile, NOTHING)
    assert image.valid.all()
    assert offset(image.rgb, wanted) < 0.5


def test_a_tile_of_an_archive_is_the_files_tile(shared_data: Path) -> None:
    folder = shared_data / "imagery"
    tile, wanted, box = tile_of(folder / "s2_virginia_eastern_shore_10m_tci_cog.tif", 300)
    items = [item("s2", "", mapping(_polygon(box)), **{"eo:cloud_cover": 1})]
    with StacArchive({"images": items}, folder) as archive:
        href = f"{archive.url}/files/s2_virginia_eastern_shore_10m_tci_cog.tif"
        items[0]["assets"]["visual"]["href"] = href
        backend = StacBackend(StacSource(api=archive.url, collection="images", assets=("visual",)))
        (scene,) = backend.search("S2", [tile.box])
        assert scene.gsd == 10
        assert np.array_equal(backend.cut(scene, tile, NOTHING).rgb, wanted)


def _polygon(box: Box) -> Polygon:
    from shapely.geometry import box as polygon

    return polygon(*box)
