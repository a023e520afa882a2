"""Whole runs as a user starts them: on the town and on real OSM, with images made or real."""

import math
import os
import pickle
import random
import re
import subprocess
import time
from pathlib import Path

import pyarrow.dataset as ds
import pytest
import yaml

from tests.conftest import COMMAND, TOWN, content_of, extracts, real_files, skyscript
from tests.skyscript.imagery.rasters import write_picture

pytestmark = pytest.mark.slow

OBJECTS = 64
CENTRE = (-29.95, 45.065)
NAME = re.compile(r"^[nwar]\d+_[A-Z0-9]{2,3}_\d\d\.jpg$")


def config(folder: Path, **blocks: object) -> Path:
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(blocks))
    return path


def place_config(path: Path, folder: Path) -> Path:
    return config(
        folder,
        extract={"path": str(path)},
        sources={"SIM": {"backend": "simulated"}},
        sample={"max_objects": OBJECTS, "shard_rows": 16},
    )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the config of a run on the embedded town."""
    return place_config(TOWN, tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module", params=extracts("monaco"))
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the config of a run on the town and, if present, of one on Monaco."""
    return place_config(request.param, tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def undisturbed(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an undisturbed run on a place with two workers."""
    root = tmp_path_factory.mktemp("runs") / "run"
    done = skyscript("run", place, "--out", root, "--workers", 2)
    assert done.returncode == 0, done.stderr
    return root


def rows(root: Path, table: str) -> list[dict[str, object]]:
    files = sorted((root / "tables" / table).glob("part-*.parquet"))
    return ds.dataset([str(file) for file in files]).to_table().to_pylist()


def test_one_and_two_workers_give_the_same_bytes(
    undisturbed: Path, place: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    done = skyscript("run", place, "--out", root, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert content_of(root) == content_of(undisturbed)


def test_a_run_killed_five_times_ends_as_an_undisturbed_one(
    undisturbed: Path, place: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    arguments = ["run", str(place), "--out", str(root), "--workers", "2"]
    whole = content_of(undisturbed)
    last = sum(name.startswith("report/") for name in whole)  # they come at once
    moments = sorted(random.Random(2024).sample(range(1, len(whole) - last), 5))
    for moment in moments:
        run = subprocess.Popen(COMMAND + arguments, stderr=subprocess.DEVNULL)
        while run.poll() is None and len(files_of(root)) < moment:
            time.sleep(0.005)
        assert run.poll() is None, "the run ended before it could be killed"
        run.kill()
        run.wait()
    assert skyscript(*arguments).returncode == 0
    assert content_of(root) == whole


def files_of(root: Path) -> list[Path]:
    """Give the files that a reader of the run sees, also while it is at work."""
    return [
        Path(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if not any(part.startswith(("_", ".tmp-")) for part in (*Path(folder).parts, name))
    ]


def test_a_second_run_does_nothing(undisturbed: Path, place: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in files_of(undisturbed)}
    again = skyscript("run", place, "--out", undisturbed)
    assert again.returncode == 0
    assert again.stderr.count("already done") == len(re.findall(r"rows ", again.stderr))
    assert {path: path.stat().st_mtime_ns for path in files_of(undisturbed)} == before


def test_files_that_were_cut_short_or_removed_are_made_again(town: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    small = ["--set", "sample.max_objects=6", "--out", root, "--executor", "serial"]
    assert skyscript("run", town, *small).returncode == 0
    before = content_of(root)
    for glob in ("images*/*.jpg", "meta*/*.pickle", "*_unfiltered.csv", "report/index.html"):
        path = sorted(root.glob(glob))[0]
        path.write_bytes(path.read_bytes()[:-10])
    assert content_of(root) != before
    assert skyscript("run", town, *small).returncode == 0
    assert content_of(root) == before
    (root / "SkyScript_train_unfiltered.csv").unlink()
    assert skyscript("run", town, *small).returncode == 0
    assert content_of(root) == before


def test_a_changed_config_says_why_and_rebuilds_what_depends_on_it(
    town: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    small = ["--set", "sample.max_objects=12", "--out", root, "--executor", "serial"]
    assert skyscript("run", town, *small).returncode == 0
    changed = skyscript("run", town, *small, "--set", "caption.prefix='seen from above: '")
    assert changed.returncode == 0
    assert "caption: changed: prefix" in changed.stderr
    done = {line.split()[0] for line in changed.stderr.splitlines() if "already done" in line}
    assert {"extract", "sample", "plan", "fetch", "overlay"} <= done
    assert {"caption", "unfiltered"}.isdisjoint(done)
    csv = (root / "SkyScript_train_unfiltered.csv").read_text()
    assert csv.splitlines()[1].split(",", 1)[1].lstrip('"').startswith("seen from above: ")


def test_names_and_pickles_have_the_published_form(undisturbed: Path) -> None:
    captions = [row for row in rows(undisturbed, "captions") if row["status"] == "ok"]
    assert len(captions) > OBJECTS // 2
    for row in captions:
        image = undisturbed / str(row["filepath"])
        assert NAME.match(image.name)
        assert image.read_bytes().startswith(b"\xff\xd8\xff")
        part = image.parent.name.removeprefix("images")
        assert part in {"2", "3", "4", "5", "6", "7"}
        meta = pickle.loads((undisturbed / f"meta{part}" / f"{image.stem}.pickle").read_bytes())
        assert list(meta) == ["box", "time", "center_tags", "surrounding_tags"]
        west, south, east, north = meta["box"]
        assert -180 <= west < east <= 180 and -90 <= south < north <= 90
        assert [type(value) for value in (*meta["box"], *meta["time"])] == [float] * 4 + [int] * 5
        assert meta["center_tags"]
        tags = [meta["center_tags"], *meta["surrounding_tags"]]
        assert {type(item) for each in tags for pair in each.items() for item in pair} == {str}


def test_every_focus_object_comes_out_with_a_status_and_a_reason(undisturbed: Path) -> None:
    focus = {row["object_id"] for row in rows(undisturbed, "focus")}
    assert len(focus) == OBJECTS
    for table in ("tiles", "images", "meta", "captions"):
        found = rows(undisturbed, table)
        assert {row["object_id"] for row in found} == focus
        assert {row["status"] for row in found} <= {"ok", "filtered"}
        assert all((row["reason"] is None) == (row["status"] == "ok") for row in found)


def test_captions_can_be_made_again_from_the_pickles_alone(
    undisturbed: Path, tmp_path: Path
) -> None:
    done = skyscript("caption", "--meta", undisturbed, "--out", tmp_path / "again.csv")
    assert done.returncode == 0, done.stderr
    again = (tmp_path / "again.csv").read_text().splitlines()
    first = (undisturbed / "SkyScript_train_unfiltered.csv").read_text().splitlines()
    assert again[0] == first[0] == "filepath,title,title_multi_objects"
    assert sorted(again) == sorted(first)


@pytest.mark.parametrize(
    ("folder", "pattern", "year", "gsd", "slack"),
    real_files(
        # The file's pixel is 0.149 m on the Mercator grid, 0.132 m on the ground at 27.6 N.
        ("pairs/banepa", "imagery.tif", 2022, 0.13, 1),
        # 2.78 m at the equator, 2.5 m there; no tag of these roads and houses says 10 m.
        ("pairs/swellendam", "*.tif", 2010, 2.5, 2.5),
    ),
)
def test_real_imagery_through_the_folder_backend(
    tmp_path: Path, folder: Path, pattern: str, year: int, gsd: float, slack: float
) -> None:
    source = {"path": str(folder), "pattern": pattern, "acquired": year}
    check_folder_backend(tmp_path, folder / "osm.pbf", source, gsd, gsd_slack=slack)


def test_a_raster_of_the_town_through_the_folder_backend(tmp_path: Path) -> None:
    lat = math.radians(CENTRE[1])
    raster = write_picture(tmp_path / "town.tif", "EPSG:3857", CENTRE, 0.5 / math.cos(lat))
    source = {"path": str(raster), "acquired": 2019}
    check_folder_backend(tmp_path, TOWN, source, 0.5)


def check_folder_backend(
    tmp_path: Path, osm: Path, source: dict[str, object], gsd: float, **more: object
) -> None:
    """Run on images of a folder; check what every pair says of its image."""
    path = config(
        tmp_path,
        extract={"path": str(osm)},
        sources={"ORT": {"backend": "folder", **source}},
        **more,
    )
    root = tmp_path / "run"
    done = skyscript("run", path, "--out", root, "--workers", 2)
    assert done.returncode == 0, done.stderr
    images = [row for row in rows(root, "images") if row["status"] == "ok"]
    assert len(images) >= 20
    for row in images:
        assert row["gsd"] == gsd
        assert row["nodata_share"] <= 0.05
        assert NAME.match(Path(str(row["filepath"])).name)
        assert str(row["filepath"]).endswith(f"_ORT_{source['acquired'] % 100:02d}.jpg")
    assert len((root / "SkyScript_train_unfiltered.csv").read_text().splitlines()) > 20
