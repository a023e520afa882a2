"""Whole runs as a user starts them: on real OSM, with simulated and with real imagery."""

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

from tests.conftest import COMMAND, content_of, skyscript

NAME = re.compile(r"^[nwar]\d+_[A-Z0-9]{2,3}_\d\d\.jpg$")


def config(folder: Path, **blocks: object) -> Path:
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(blocks))
    return path


@pytest.fixture(scope="module")
def monaco_config(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return config(
        tmp_path_factory.mktemp("monaco"),
        extract={"path": str(shared_data / "osm/monaco.osm.pbf")},
        sources={"SIM": {"backend": "simulated"}},
        sample={"max_objects": 160, "shard_rows": 16},
    )


@pytest.fixture(scope="module")
def monaco(monaco_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an undisturbed run on Monaco with two workers."""
    root = tmp_path_factory.mktemp("runs") / "monaco"
    done = skyscript("run", monaco_config, "--out", root, "--workers", 2)
    assert done.returncode == 0, done.stderr
    return root


def rows(root: Path, table: str) -> list[dict[str, object]]:
    files = sorted((root / "tables" / table).glob("part-*.parquet"))
    return ds.dataset([str(file) for file in files]).to_table().to_pylist()


def test_one_and_two_workers_give_the_same_bytes(
    monaco: Path, monaco_config: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    done = skyscript("run", monaco_config, "--out", root, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert content_of(root) == content_of(monaco)


def test_a_run_killed_five_times_ends_as_an_undisturbed_one(
    monaco: Path, monaco_config: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    arguments = ["run", str(monaco_config), "--out", str(root), "--workers", "2"]
    undisturbed = content_of(monaco)
    moments = sorted(random.Random(2024).sample(range(1, len(undisturbed) - 1), 5))
    for moment in moments:
        run = subprocess.Popen(COMMAND + arguments, stderr=subprocess.DEVNULL)
        while run.poll() is None and len(files_of(root)) < moment:
            time.sleep(0.005)
        assert run.poll() is None, "the run ended before it could be killed"
        run.kill()
        run.wait()
    assert skyscript(*arguments).returncode == 0
    assert content_of(root) == undisturbed


def files_of(root: Path) -> list[Path]:
    """Give the files that a reader of the run sees, also while it is at work."""
    return [
        Path(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if not any(part.startswith(("_", ".tmp-")) for part in (*Path(folder).parts, name))
    ]


def test_a_second_run_does_nothing(monaco: Path, monaco_config: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in files_of(monaco)}
    again = skyscript("run", monaco_config, "--out", monaco)
    assert again.returncode == 0
    assert again.stderr.count("already done") == len(re.findall(r"rows ", again.stderr))
    assert {path: path.stat().st_mtime_ns for path in files_of(monaco)} == before


def test_files_that_were_cut_short_or_removed_are_made_again(
    monaco_config: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    small = ["--set", "sample.max_objects=6", "--out", root, "--workers", 1]
    assert skyscript("run", monaco_config, *small).returncode == 0
    before = content_of(root)
    for glob in ("images*/*.jpg", "meta*/*.pickle", "*_unfiltered.csv", "report/index.html"):
        path = sorted(root.glob(glob))[0]
        path.write_bytes(path.read_bytes()[:-10])
    assert content_of(root) != before
    assert skyscript("run", monaco_config, *small).returncode == 0
    assert content_of(root) == before
    (root / "SkyScript_train_unfiltered.csv").unlink()
    assert skyscript("run", monaco_config, *small).returncode == 0
    assert content_of(root) == before


def test_a_changed_config_says_why_and_rebuilds_what_depends_on_it(
    monaco_config: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    small = ["--set", "sample.max_objects=12", "--out", root, "--workers", 1]
    assert skyscript("run", monaco_config, *small).returncode == 0
    changed = skyscript("run", monaco_config, *small, "--set", "caption.prefix='seen from above: '")
    assert changed.returncode == 0
    assert "caption: changed: prefix" in changed.stderr
    done = {line.split()[0] for line in changed.stderr.splitlines() if "already done" in line}
    assert {"extract", "sample", "plan", "fetch", "overlay"} <= done
    assert {"caption", "unfiltered"}.isdisjoint(done)
    csv = (root / "SkyScript_train_unfiltered.csv").read_text()
    assert csv.splitlines()[1].split(",", 1)[1].lstrip('"').startswith("seen from above: ")


def test_names_and_pickles_have_the_published_form(monaco: Path) -> None:
    captions = [row for row in rows(monaco, "captions") if row["status"] == "ok"]
    assert len(captions) > 100
    for row in captions:
        image = monaco / str(row["filepath"])
        assert NAME.match(image.name)
        assert image.read_bytes().startswith(b"\xff\xd8\xff")
        part = image.parent.name.removeprefix("images")
        assert part in {"2", "3", "4", "5", "6", "7"}
        meta = pickle.loads((monaco / f"meta{part}" / f"{image.stem}.pickle").read_bytes())
        assert list(meta) == ["box", "time", "center_tags", "surrounding_tags"]
        west, south, east, north = meta["box"]
        assert -180 <= west < east <= 180 and -90 <= south < north <= 90
        assert [type(value) for value in (*meta["box"], *meta["time"])] == [float] * 4 + [int] * 5
        assert meta["center_tags"]
        tags = [meta["center_tags"], *meta["surrounding_tags"]]
        assert {type(item) for each in tags for pair in each.items() for item in pair} == {str}


def test_every_focus_object_comes_out_with_a_status_and_a_reason(monaco: Path) -> None:
    focus = {row["object_id"] for row in rows(monaco, "focus")}
    assert len(focus) == 160
    for table in ("tiles", "images", "meta", "captions"):
        found = rows(monaco, table)
        assert {row["object_id"] for row in found} == focus
        assert {row["status"] for row in found} <= {"ok", "filtered"}
        assert all((row["reason"] is None) == (row["status"] == "ok") for row in found)


def test_captions_can_be_made_again_from_the_pickles_alone(monaco: Path, tmp_path: Path) -> None:
    done = skyscript("caption", "--meta", monaco, "--out", tmp_path / "again.csv")
    assert done.returncode == 0, done.stderr
    again = (tmp_path / "again.csv").read_text().splitlines()
    first = (monaco / "SkyScript_train_unfiltered.csv").read_text().splitlines()
    assert again[0] == first[0] == "filepath,title,title_multi_objects"
    assert sorted(again) == sorted(first)


@pytest.mark.parametrize(
    ("pair", "pattern", "year", "gsd", "slack"),
    [
        # The file's pixel is 0.149 m on the Mercator grid, 0.132 m on the ground at 27.6 N.
        ("banepa", "imagery.tif", 2022, 0.13, 1),
        # 2.78 m at the equator, 2.5 m there; no tag of these roads and houses says 10 m.
        ("swellendam", "*.tif", 2010, 2.5, 2.5),
    ],
)
def test_real_imagery_through_the_folder_backend(
    shared_data: Path, tmp_path: Path, pair: str, pattern: str, year: int, gsd: float, slack: float
) -> None:
    folder = shared_data / "pairs" / pair
    source = {"backend": "folder", "path": str(folder), "pattern": pattern, "acquired": year}
    path = config(
        tmp_path,
        extract={"path": str(folder / "osm.pbf")},
        sources={"ORT": source},
        gsd_slack=slack,
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
        assert str(row["filepath"]).endswith(f"_ORT_{year % 100:02d}.jpg")
    assert len((root / "SkyScript_train_unfiltered.csv").read_text().splitlines()) > 20
