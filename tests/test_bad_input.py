"""What a user gets wrong: one clear sentence, exit code 2, and earlier results untouched."""

import os
import pickle
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import osmium
import pytest
import yaml
from PIL import Image

from tests.conftest import TOWN, answered, content_of, skyscript

pytestmark = pytest.mark.slow


def refused(folder: Path, blocks: dict[str, object], *more: str) -> str:
    """Run a config that cannot work; give the one sentence that is said."""
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(blocks))
    done = skyscript("run", path, "--out", folder / "run", "--workers", 1, *more)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return sentence


def simulated(extract: Path, **blocks: object) -> dict[str, object]:
    return {
        "extract": {"path": str(extract)},
        "sources": {"SIM": {"backend": "simulated"}},
        "sample": {"max_objects": 8},
        **blocks,
    }


def osm_file(path: Path, *nodes: osmium.osm.mutable.Node) -> Path:
    with osmium.SimpleWriter(str(path)) as writer:
        for node in nodes:
            writer.add_node(node)
    return path


def node(osm_id: int, **tags: str) -> osmium.osm.mutable.Node:
    return osmium.osm.mutable.Node(id=osm_id, location=(10 + osm_id / 1000, 48), tags=tags)


def test_a_missing_extract(tmp_path: Path) -> None:
    assert "nowhere.osm.pbf" in refused(tmp_path, simulated(tmp_path / "nowhere.osm.pbf"))


def test_a_folder_in_place_of_an_extract(tmp_path: Path) -> None:
    assert str(tmp_path) in refused(tmp_path, simulated(tmp_path))


def test_an_image_named_as_an_extract(tmp_path: Path) -> None:
    path = tmp_path / "photo.osm.pbf"
    Image.new("RGB", (64, 64)).save(path, "PNG")
    assert "photo.osm.pbf" in refused(tmp_path, simulated(path))


def test_a_truncated_extract(tmp_path: Path) -> None:
    path = tmp_path / "half.osm.pbf"
    path.write_bytes(TOWN.read_bytes()[: TOWN.stat().st_size // 2])
    assert "half.osm.pbf" in refused(tmp_path, simulated(path))


def test_an_empty_extract(tmp_path: Path) -> None:
    assert "empty.osm.pbf" in refused(tmp_path, simulated(osm_file(tmp_path / "empty.osm.pbf")))


def test_an_extract_without_areas_is_no_error(tmp_path: Path) -> None:
    path = osm_file(tmp_path / "trees.osm.pbf", *(node(n, natural="tree") for n in range(1, 9)))
    config = tmp_path / "run.yaml"
    config.write_text(yaml.safe_dump(simulated(path)))
    done = skyscript("run", config, "--out", tmp_path / "run", "--workers", 1)
    assert done.returncode == 0, done.stderr
    csv = (tmp_path / "run/SkyScript_train_unfiltered.csv").read_text()
    assert csv.count("a satellite image of natural tree") >= 8


def test_an_unknown_key(tmp_path: Path) -> None:
    sentence = refused(tmp_path, simulated(TOWN, plan={"shfit": 0.3}))
    assert "unknown key 'plan.shfit' (did you mean 'plan.shift'?)" in sentence


def test_an_unknown_backend(tmp_path: Path) -> None:
    assert "telepathy" in refused(
        tmp_path, simulated(TOWN) | {"sources": {"TP": {"backend": "telepathy"}}}
    )


def test_a_resolution_at_which_nothing_can_be_seen(tmp_path: Path) -> None:
    sources = {"SIM": {"backend": "simulated", "gsd": [100.0]}}
    sentence = refused(tmp_path, simulated(TOWN, sources=sources))
    assert "no source is sharp enough for any object of the extract" in sentence
    assert "set `gsd_slack` to 10 or more" in sentence


def test_imagery_that_lies_elsewhere(tmp_path: Path) -> None:
    import rasterio
    from affine import Affine

    with rasterio.open(
        tmp_path / "far.tif",
        "w",
        driver="GTiff",
        width=600,
        height=600,
        count=3,
        dtype="uint8",
        crs="EPSG:4326",
        transform=Affine(1e-6, 0, 100, 0, -1e-6, 10),
    ) as image:
        image.write(np.full((3, 600, 600), 99, np.uint8))
    source = {"backend": "folder", "path": str(tmp_path), "acquired": "2020-01-01"}
    sentence = refused(tmp_path, simulated(TOWN, sources={"FAR": source}))
    assert "No source has an image where objects lie. FAR: the images lie in W S E N" in sentence
    assert "km apart" in sentence


def test_a_folder_without_imagery(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    source = {"backend": "folder", "path": str(tmp_path / "none"), "acquired": "2020-01-01"}
    assert "none" in refused(tmp_path, simulated(TOWN, sources={"ORT": source}))


def test_bad_input_leaves_earlier_results_untouched(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(yaml.safe_dump(simulated(TOWN)))
    assert skyscript("run", config, "--out", tmp_path / "run", "--workers", 1).returncode == 0
    before = content_of(tmp_path / "run")
    half = tmp_path / "half.osm.pbf"
    half.write_bytes(TOWN.read_bytes()[:9000])
    refused(tmp_path, simulated(half))
    assert content_of(tmp_path / "run") == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 2 MB, or skip where this user may mount none."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted only by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_and_then_more_room(tmp_path: Path, small_disk: Path) -> None:
    config = tmp_path / "run.yaml"
    blocks = simulated(TOWN, sample={"max_objects": 80, "shard_rows": 10})
    config.write_text(yaml.safe_dump(blocks))
    arguments = ["run", config, "--workers", 1, "--out", small_disk / "run"]
    done = skyscript(*arguments)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    subprocess.run(["mount", "-o", "remount,size=80m", str(small_disk)], check=True)
    assert skyscript(*arguments).returncode == 0
    elsewhere = tmp_path / "undisturbed"
    assert skyscript("run", config, "--workers", 1, "--out", elsewhere).returncode == 0
    assert content_of(small_disk / "run") == content_of(elsewhere)


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch attacked",)


def test_a_pickle_that_runs_code_is_recorded_and_the_others_are_captioned(tmp_path: Path) -> None:
    good = {
        "box": (10.0, 48.0, 10.1, 48.1),
        "time": (2020, 6, 1, 10, 0),
        "center_tags": {"power": "pole"},
        "surrounding_tags": [],
    }
    meta = tmp_path / "meta2"
    meta.mkdir()
    (meta / "n1_CH_20.pickle").write_bytes(pickle.dumps(good))
    (meta / "n2_CH_20.pickle").write_bytes(pickle.dumps(good | {"center_tags": Attack()}))
    done = answered("caption", "--meta", tmp_path, "--out", tmp_path / "out.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert not (tmp_path / "attacked").exists()
    assert "Traceback" not in done.stderr
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert rows[1:] == ["images2/n1_CH_20.jpg,a satellite image of power pole"
                        ",a satellite image of power pole"]  # fmt: skip
    assert "n2_CH_20.pickle" in (tmp_path / "out.rejected.csv").read_text()


@pytest.mark.parametrize("name", ["../escape.pickle", "/etc/x.pickle", "meta2/../../x.pickle"])
def test_a_zip_that_climbs_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "meta2.zip", "w") as archive:
        archive.writestr(name, b"")
    done = answered("caption", "--meta", tmp_path / "meta2.zip", "--out", tmp_path / "out.csv")
    assert done.returncode == 2
    assert "meta2.zip" in done.stderr
    assert not (tmp_path / "out.csv").exists()
