"""An OSM file that is read in shards into a run in a bucket gives what it gives on a disk."""

from pathlib import Path

import pytest

from pipeline.atomic import write_bytes
from pipeline.bucket import BucketPath
from pipeline.events import ShardFinished
from stages.extract.shards import FOLDER
from tests.buckets import content_in
from tests.conftest import content_of
from tests.stages.extract.many_blocks import run_stages, write_town

pytest.importorskip("numba")
pytest.importorskip("isal")


@pytest.mark.slow
@pytest.mark.parametrize("runner", [{"executor": "serial"}, {"workers": 2}])
def test_blobs_nodes_and_ways_are_made_in_a_bucket(
    bucket: BucketPath, tmp_path: Path, runner: dict[str, object]
) -> None:
    town = write_town(tmp_path / "town.osm.pbf")
    run_stages(town, tmp_path / "run", executor="serial")
    expected = content_of(tmp_path / "run")
    assert {name.split("/")[1] for name in expected if name.startswith("tables")} == {
        "blobs",
        "nodes",
        "ways",
        "boxes",
        "wanted",
        "objects",
    }
    write_bytes(bucket / "town.osm.pbf", town.read_bytes())
    there, made = bucket / "run", []
    run_stages(bucket / "town.osm.pbf", there, made.append, **runner)
    assert content_in(there) == expected
    made.clear()
    lost = next(place for place, _ in (there / FOLDER).objects())
    lost.unlink()
    run_stages(bucket / "town.osm.pbf", there, made.append, **runner)
    again = [(event.stage, event.shard) for event in made if isinstance(event, ShardFinished)]
    assert ("nodes", int(lost.stem)) in again
    assert content_in(there) == expected
