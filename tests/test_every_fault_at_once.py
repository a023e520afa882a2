"""A run from three sources at once, of which each has every fault that its emulator knows."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from shapely.geometry import box, mapping

from pipeline.cli.run import TOY
from skyscript.backends.folder import FolderBackend, FolderSource
from skyscript.geo.tile import mercator_scale
from tests.conftest import content_of, skyscript
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine
from tests.emulators.faults import Faults
from tests.emulators.stac import StacArchive, item
from tests.emulators.world import mercator_image, noise
from tests.skyscript.imagery.rasters import write_raster
from tests.test_services_end_to_end import ISLAND, NAME, images, kill_at

pytestmark = pytest.mark.slow

STATUSES, BODIES = ("429", "500", "503"), ("cut", "hang", "slow")
EARTH = (*STATUSES, *BODIES, "garbage", "memory", "timeout", "crowded")
SHARE = 0.15
WIDTH = 2240
PIXEL = 10.0 * mercator_scale(ISLAND[1])
LAYOUT = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}


def island(seed: int) -> Any:
    return noise(seed, 1520, WIDTH).transpose(2, 0, 1)


def folder(path: Path) -> Path:
    """Make a folder of a good file, of one in 16 bit, of one cut off, and of one without a CRS."""
    path.mkdir()
    write_raster(path / "good.tif", island(3), "EPSG:3857", ISLAND, PIXEL, **LAYOUT)
    write_raster(path / "deep.tif", np.ones((3, 40, 40), np.uint16), "EPSG:3857", ISLAND, PIXEL)
    write_raster(path / "cut.tif", np.ones((3, 400, 400), np.uint8), "EPSG:3857", ISLAND, PIXEL)
    (path / "cut.tif").write_bytes((path / "cut.tif").read_bytes()[:90_000])
    (path / "text.tif").write_text("no raster")
    return path


@pytest.fixture
def earth() -> Iterator[EarthEngine]:
    pixels = noise(1, 3800, 5600)
    black = np.zeros((1900, 2800, 3), np.uint8)  # an image that shows nothing
    found = [
        mercator_image(f"{NAME}/s01_2015", ISLAND, pixels, 4.0, year=2015),
        mercator_image(f"{NAME}/s02_2014", ISLAND, black, 4.0, year=2014),
    ]
    with EarthEngine({NAME: found}, faults=Faults(kinds=EARTH, cap=6)) as running:
        yield running


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[StacArchive]:
    files = tmp_path / "files"
    files.mkdir()
    write_raster(files / "a.tif", island(2), "EPSG:3857", ISLAND, PIXEL, **LAYOUT)
    (scene,) = FolderBackend(FolderSource(path=files, acquired="2020")).scenes("OWN")
    found = [item("a", "", mapping(box(*scene.box))), item("gone", "", mapping(box(*scene.box)))]
    faults = Faults(kinds=(*STATUSES, *BODIES), cap=6)
    with StacArchive({"images": found}, files, faults) as running:
        for name, one in zip(("a.tif", "gone.tif"), found, strict=True):
            one["assets"]["visual"]["href"] = f"{running.url}/files/{name}"
        yield running


@pytest.fixture
def config(earth: EarthEngine, archive: StacArchive, tmp_path: Path) -> Path:
    stac = {"backend": "stac", "api": archive.url, "collection": "images", "assets": ["visual"]}
    blocks = {
        "seed": 3,
        "gsd_slack": 10,
        "sources": {
            "P3": {
                "backend": "earth_engine",
                "project": PROJECT,
                "service_account": str(key_file(tmp_path / "key.json", earth.url)),
                "endpoint": earth.url,
                "at_once": 8,
                "a_second": 500,
            },
            "OWN": stac | {"gsd": 10.0, "at_once": 8},
            "CH": {"backend": "folder", "path": str(folder(tmp_path / "folder")), "acquired": 2019},
        },
        "extract": {"path": str(TOY.parent / "town.osm.pbf")},
        "sample": {"max_objects": 80, "shard_rows": 40},
    }
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(blocks))
    return path


def test_every_tile_is_ok_or_says_why_and_a_killed_run_ends_with_equal_bytes(
    earth: EarthEngine, archive: StacArchive, config: Path, tmp_path: Path
) -> None:
    arguments = ["run", str(config), "--workers", "1", "--until", "fetch"]
    undisturbed, root = tmp_path / "undisturbed", tmp_path / "run"
    done = skyscript(*arguments, "--out", undisturbed)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("CH: 3 of 4 files are left out") == 1
    assert done.stderr.index("files are left out") < done.stderr.index("boxes  ")
    wanted = len(list(undisturbed.glob("images*/*.jpg")))

    earth.faults.planned.extend(EARTH)  # each fault once, then any of them at random
    archive.faults.planned.extend(STATUSES)
    earth.faults.share = archive.faults.share = SHARE
    kill_at(wanted // 3, root, [*arguments, "--out", str(root)])
    assert skyscript(*arguments, "--out", root).returncode in (0, 1)
    rows = images(root).to_table().to_pylist()
    states = Counter(row["status"] for row in rows)
    assert states["ok"] > 0.9 * wanted
    for row in rows:
        assert (row["status"] == "ok") == (row["reason"] is None)
        assert row["status"] != "failed" or row["error"]
        assert row["status"] != "ok" or (root / row["filepath"]).is_file()
    sources = {row["source"] for row in rows if row["status"] == "ok"}
    assert sources == {"P3", "OWN", "CH"}

    for _ in range(4):
        done = skyscript(*arguments, "--out", root, "--retry")
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    assert content_of(root) == content_of(undisturbed)
    asked = Counter(call.status for service in (earth, archive) for call in service.desk.calls)
    assert all(asked[status] for status in (0, 200, 400, 429, 500, 503))
