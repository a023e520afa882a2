"""Nodes and ways are read in shards: workers and kills change nothing, and what is done stays."""

import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.events import ShardFinished, StageDisabled
from pipeline.run import Run
from stages import tables
from stages.extract import BLOBS, ExtractConfig, blobs, inputs
from stages.extract.shards import FOLDER
from tests.conftest import TOWN, content_of
from tests.skyscript.osm.osm_text import by_id, convert, extracted, write_opl
from tests.stages.extract import many_blocks
from tests.stages.extract.many_blocks import run_stages, write_town
from tests.stages.extract.reader import extracted_by_shards

pytestmark = pytest.mark.slow


pytest.importorskip("numba")
pytest.importorskip("isal")


@pytest.fixture(autouse=True)
def of_any_size(monkeypatch):
    """Read files of any size in shards; the limit is as before after each test."""
    monkeypatch.setattr(inputs, "FROM_SIZE", 0)


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    return write_town(tmp_path_factory.mktemp("town") / "town.osm.pbf")


@pytest.fixture(scope="module")
def done(town, tmp_path_factory) -> Path:
    """Give the folder of a run in one process."""
    root = tmp_path_factory.mktemp("run")
    run_stages(town, root, executor="serial")
    return root


def results(root: Path) -> dict[str, bytes]:
    """Give the parts of all tables, and the places of the nodes."""
    found = content_of(root)
    return {name: data for name, data in found.items() if name.endswith((".parquet", ".bin"))}


def objects_of(root: Path) -> pa.Table:
    return Run(root).table("objects").to_table().cast(tables.OBJECTS.schema)


def test_the_shards_give_the_objects_of_the_file(town, done, tmp_path):
    found = objects_of(done)
    assert found.equals(extracted(town, tmp_path))
    kinds = [name[0] for name in by_id(found)]
    assert {kind: kinds.count(kind) for kind in "nar"} == {"n": 68, "a": 80, "r": 40}
    assert set(found["status"].to_pylist()) == {"ok"}
    parts = Run(done).folder(tables.WAYS).receipts()
    assert len(parts) == blobs.LEAST_SHARDS
    assert all(receipt.rows > 1 for receipt in parts.values())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_no_byte(town, done, tmp_path, workers):
    run_stages(town, tmp_path, workers=workers)
    assert results(tmp_path) == results(done)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["blobs", "nodes", "ways", "boxes", "wanted", "extract"])
def test_after_a_kill_in_the_middle_only_what_is_missing_is_made(town, done, tmp_path, stage):
    root, shard = tmp_path / "run", 3
    command = [sys.executable, "-m", many_blocks.__name__, town, root, stage, shard]
    killed = subprocess.run(list(map(str, command)), start_new_session=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    there = {name: {*Run(root).folder(table).shards()} for name, table in TABLES.items()}
    assert 3 in there[stage]
    if stage in {"nodes", "ways"}:
        assert len(there[stage]) < blobs.LEAST_SHARDS
    events = []
    run_stages(town, root, events.append, workers=2)
    made = [(e.stage, e.shard) for e in events if isinstance(e, ShardFinished)]
    for name in ("nodes", "ways"):
        again = {number for each, number in made if each == name}
        assert again == set(range(blobs.LEAST_SHARDS)) - there[name]
    assert results(root) == results(done)


TABLES = {
    "blobs": tables.BLOBS,
    "nodes": tables.NODES,
    "ways": tables.WAYS,
    "boxes": tables.BOXES,
    "wanted": tables.WANTED,
    "extract": tables.OBJECTS,
}


def test_a_lost_file_of_places_is_made_again_alone(town, done, tmp_path):
    run_stages(town, tmp_path, executor="serial")
    (tmp_path / FOLDER / "00002.bin").unlink()
    (tmp_path / FOLDER / "00005.bin").write_bytes(b"cut off")
    events = []
    run_stages(town, tmp_path, events.append, executor="serial")
    made = [(e.stage, e.shard) for e in events if isinstance(e, ShardFinished)]
    assert made == [("nodes", 2), ("nodes", 5)]  # with the same bytes, so no way is read again
    assert results(tmp_path) == results(done)


def test_shards_without_a_blob_add_nothing(tmp_path, monkeypatch):
    path = convert(TOWN, tmp_path / "town.osm.pbf")
    few = extracted_by_shards(path, tmp_path)
    monkeypatch.setattr(blobs, "LEAST_SHARDS", 50)
    assert extracted_by_shards(path, tmp_path).equals(few)
    assert few.num_rows > 100


@pytest.mark.parametrize("name", ["turned.osm.pbf", "places.osm.pbf"])
def test_a_run_on_a_file_that_blocks_cannot_give_is_read_by_libosmium(tmp_path, name):
    lines = ["n1 x7 y43", "n2 x7.1 y43", "n3 Tnatural=tree x7 y43", "w1 Thighway=path Nn1,n2"]
    if name.startswith("turned"):
        lines.reverse()
    options = "pbf,locations_on_ways=true" if name.startswith("places") else "pbf"
    path = convert(write_opl(tmp_path / "some.opl", *lines), tmp_path / name, options)
    run_stages(path, tmp_path / "run", executor="serial")
    expected = extracted(path, tmp_path)
    is_ok = pc.equal(expected["status"], "ok")
    assert objects_of(tmp_path / "run").equals(expected.filter(is_ok))
    boxes = Run(tmp_path / "run").table("boxes").to_table()
    assert len(boxes) == 2
    for column in ("object_id", "reason"):
        assert boxes[column].to_pylist() == expected[column].to_pylist()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"path": (TOWN, "other.opl")}, "there are several OSM files"),
        ({"path": "nowhere.osm.pbf"}, "no OSM file can be read"),
        ({"path": TOWN, "node_index": "memory"}, "node_index is memory"),
        ({"path": "other.opl"}, "other.opl is no PBF file, so extract reads it object by object"),
    ],
)
def test_what_is_not_read_in_shards_is_said(tmp_path, monkeypatch, config, words):
    monkeypatch.chdir(tmp_path)
    write_opl(tmp_path / "other.opl", "n1 Tnatural=tree x7 y43")
    assert words in BLOBS.disabled(ExtractConfig(**config))
    assert BLOBS.disabled(ExtractConfig(path=TOWN)) is None


def test_a_small_file_leaves_the_shards_out(tmp_path, town):
    events = []
    run_stages(town, tmp_path, events.append, from_size=8_000_000, executor="serial")
    (event,) = [each for each in events if isinstance(each, StageDisabled)]
    assert (event.stage, event.along) == ("blobs", ("nodes", "ways"))
    assert "town.osm.pbf is smaller than 8 MB" in event.why
    assert sorted(Run(tmp_path).tables) == ["boxes", "objects", "wanted"]
