"""A whole run on an emulated Earth Engine, disturbed: the embedded island, photographed."""

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as ds
import pytest
import yaml
from shapely.geometry import box, mapping

from pipeline.cli.run import TOY
from skyscript.backends.folder import FolderBackend, FolderSource
from skyscript.geo.tile import mercator_scale
from tests.conftest import COMMAND, content_of, skyscript
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine
from tests.emulators.stac import StacArchive, item
from tests.emulators.world import mercator_image, noise
from tests.skyscript.imagery.rasters import write_raster

pytestmark = pytest.mark.slow

ISLAND = (-29.94, 45.09)
NAME = "SKYSAT/GEN-A/PUBLIC/ORTHO/RGB"


@pytest.fixture(scope="module")
def earth() -> Iterator[EarthEngine]:
    images = [
        mercator_image(f"{NAME}/s0{number}_2015", ISLAND, noise(number, 3800, 5600), 4.0, year=2015)
        for number in (1, 2)
    ]
    with EarthEngine({NAME: images}) as running:
        yield running


@pytest.fixture(scope="module")
def config(earth: EarthEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config")
    path = folder / "run.yaml"
    source = {
        "backend": "earth_engine",
        "project": PROJECT,
        "service_account": str(key_file(folder / "key.json", earth.url)),
        "endpoint": earth.url,
        "at_once": 8,
        "a_second": 500,
    }
    blocks = {
        "seed": 3,
        "gsd_slack": 5,
        "sources": {"P3": source},
        "extract": {"path": str(TOY.parent / "town.osm.pbf")},
        "sample": {"max_objects": 160, "shard_rows": 60},
    }
    path.write_text(yaml.safe_dump(blocks))
    return path


@pytest.fixture(scope="module")
def undisturbed(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs") / "undisturbed"
    done = skyscript("run", config, "--out", root, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "up to 160 tiles" in done.stderr
    return root


def images(root: Path) -> ds.Dataset:
    files = sorted((root / "tables" / "images").glob("part-*.parquet"))
    return ds.dataset([str(file) for file in files])


def kill_at(images: int, root: Path, arguments: list[str]) -> None:
    """Run until so many images are there, and kill the run."""
    run = subprocess.Popen(COMMAND + arguments, stderr=subprocess.DEVNULL)
    while run.poll() is None and len(list(root.glob("images*/*.jpg"))) < images:
        time.sleep(0.005)
    assert run.poll() is None, "the run ended before it could be killed"
    run.kill()
    run.wait()


def test_every_image_is_the_services_own(undisturbed: Path, earth: EarthEngine) -> None:
    rows = images(undisturbed).to_table().to_pylist()
    got = [row for row in rows if row["status"] == "ok"]
    assert len(got) > 40
    assert {row["source"] for row in got} == {"P3"}
    assert {row["content_hash"] for row in got} <= earth.sent


def test_two_processes_share_the_quota_and_give_the_same_bytes(
    undisturbed: Path, config: Path, earth: EarthEngine, tmp_path: Path
) -> None:
    earth.desk.most_at_once = 0
    earth.faults.latency = 0.05
    done = skyscript("run", config, "--out", tmp_path / "run", "--workers", 2)
    earth.faults.latency = 0
    assert done.returncode == 0, done.stderr
    assert content_of(tmp_path / "run") == content_of(undisturbed)
    assert earth.desk.most_at_once <= 8


def test_killed_twice_and_run_again_is_as_undisturbed_and_asks_for_nothing_twice(
    undisturbed: Path, config: Path, earth: EarthEngine, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    arguments = ["run", str(config), "--out", str(root), "--workers", "1"]
    wanted = len(list(undisturbed.glob("images*/*.jpg")))
    before = len(earth.asked)
    earth.faults.latency = 0.05
    for moment in (wanted // 4, wanted // 2):
        kill_at(moment, root, arguments)
    earth.faults.latency = 0
    assert skyscript(*arguments).returncode == 0
    assert content_of(root) == content_of(undisturbed)
    # What was in the threads' hands when the process died is asked for again, and nothing else.
    assert len(earth.asked) - before <= wanted + 2 * 16


def test_a_run_beside_faults_ends_with_the_same_bytes_after_a_retry(
    undisturbed: Path, config: Path, earth: EarthEngine, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    earth.faults.share = 0.2
    for _ in range(3):
        done = skyscript("run", config, "--out", root, "--workers", 1, "--retry")
        if done.returncode == 0:
            break
        assert done.returncode == 1
    earth.faults.share = 0
    assert Counter(images(root).to_table().column("status").to_pylist())["failed"] == 0
    assert content_of(root) == content_of(undisturbed)
    done = skyscript("run", config, "--out", root, "--retry-only", "busy")
    assert done.returncode == 2
    assert "no failed row has the class of error 'busy'; the classes are: none" in done.stderr


def test_an_archive_of_files_killed_and_run_again_beside_faults_is_as_undisturbed(
    tmp_path: Path,
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    pixel = 10.0 * mercator_scale(ISLAND[1])
    samples = noise(0, 1520, 2240).transpose(2, 0, 1)
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    write_raster(files / "a.tif", samples, "EPSG:3857", ISLAND, pixel, **layout)
    (scene,) = FolderBackend(FolderSource(path=files, acquired=2020)).scenes("OAM")
    found = [item("a", "", mapping(box(*scene.box)))]
    with StacArchive({"images": found}, files) as archive:
        found[0]["assets"]["visual"]["href"] = f"{archive.url}/files/a.tif"
        source = {"backend": "stac", "api": archive.url, "collection": "images"}
        blocks = {
            "gsd_slack": 10,
            "sources": {"OAM": source | {"assets": ["visual"], "gsd": 10.0, "at_once": 4}},
            "extract": {"path": str(TOY.parent / "town.osm.pbf")},
            "sample": {"max_objects": 120, "shard_rows": 50},
        }
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(blocks))
        arguments = ["run", str(tmp_path / "run.yaml"), "--workers", "1", "--until", "fetch"]
        undisturbed, root = tmp_path / "undisturbed", tmp_path / "run"
        assert skyscript(*arguments, "--out", undisturbed).returncode == 0
        wanted = len(list(undisturbed.glob("images*/*.jpg")))
        archive.faults.latency = 0.02
        kill_at(wanted // 2, root, [*arguments, "--out", str(root)])
        archive.faults.latency = 0
        archive.faults.share, archive.faults.kinds = 0.2, ("503", "429", "500")
        for _ in range(3):
            if skyscript(*arguments, "--out", root, "--retry").returncode == 0:
                break
    assert wanted > 30
    assert content_of(root) == content_of(undisturbed)
