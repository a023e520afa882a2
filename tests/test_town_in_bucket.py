"""The whole recipe of the demo in a bucket gives every byte that it gives on a disk."""

from pathlib import Path

import pytest

from pipeline.bucket import BucketPath
from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.runner import run
from pipeline.storage import Place
from skyscript import open_run
from skyscript.clip.source import TINY, clip_installed
from stages import PIPELINE
from tests.buckets import EVERY_STORAGE, content_in
from tests.conftest import content_of, skyscript
from tests.emulators.faults import Faults
from tests.emulators.storage import AFTER, Storage

pytestmark = pytest.mark.slow


OPTIONS = [
    "sample.max_objects=60",
    "sample.shard_rows=20",
    "runner.executor=serial",
    *([f"score.model={TINY}", f"score.name={TINY}"] if clip_installed() else []),
]


def built(root: Place) -> None:
    run(PIPELINE, load_config(TOY, PIPELINE, OPTIONS), root, lambda event: None)


@pytest.mark.slow
@EVERY_STORAGE
def test_the_town_in_a_bucket_has_the_bytes_of_the_town_on_disk(
    bucket: BucketPath, storage: Storage, tmp_path: Path
) -> None:
    built(tmp_path / "town")
    expected = content_of(tmp_path / "town")
    there = bucket / "runs/town"
    storage.behave(Faults(share=0.03, kinds=("500", "503", "cut", AFTER), seed=5))
    built(there)
    assert any(call.status >= 500 for call in storage.desk.calls)
    storage.behave(Faults())
    assert content_in(there) == expected
    assert len(expected) > 150
    made = {place.key: place.stat().st_mtime_ns for place, _ in (there / "tables").objects()}
    built(there)
    again = {place.key: place.stat().st_mtime_ns for place, _ in (there / "tables").objects()}
    assert again == made
    captions = open_run(str(there)).table("captions")
    assert captions.count_rows() == 60
    state, checked = skyscript("status", there), skyscript("verify", there)
    assert "caption" in state.stdout
    assert checked.stderr.split() == ["intact", str(there)]
    name = captions.to_table()["object_id"][0].as_py()
    looked = skyscript("look", there, name)
    assert f"image: {there}/images" in looked.stdout
    assert "SkyScript_train_unfiltered.csv: row 1" in looked.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["export-data", "s3://bucket/run", "--out", "exported"],
        ["census", "s3://bucket/town.osm.pbf", "--out", "census"],
        ["demo", "--out", "s3://bucket/demo"],
    ],
)
def test_a_command_that_reads_folders_only_refuses_an_address(
    words: list[str], tmp_path: Path
) -> None:
    done = skyscript(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "s3://bucket/" in done.stderr
    assert "is an address" in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_area_needs_a_folder_for_its_config(tmp_path: Path) -> None:
    area = ["--bbox", "8,47,8.1,47.1", "--osm", "town.osm.pbf", "--out", "s3://bucket/run"]
    done = skyscript("run", *area, cwd=tmp_path)
    assert done.returncode == 2
    assert "s3://bucket/run must be a folder" in done.stderr
