"""Inputs that lie in a bucket give what their copies on a disk give."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.atomic import write_bytes
from pipeline.bucket import BucketPath
from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.errors import ConfigError
from pipeline.events import ShardFinished
from pipeline.run import Run
from pipeline.runner import run
from stages import PIPELINE, tables
from stages.extract import ExtractConfig
from stages.filter.config import FilterConfig
from stages.filter.stage import FILTER
from tests.conftest import TOWN, content_of, skyscript

pytestmark = pytest.mark.slow


OPTIONS = ["sample.max_objects=30", "sample.shard_rows=20", "runner.executor=serial"]
LABELS = b"tag,groundable,max_gsd,phrase,reason\nbuilding=barn,yes,2,barn,mine\n"


def made(root: Path, *options: str, until: str = "caption") -> list[str]:
    """Run the demo up to a stage; give the stages that made a part, in order."""
    events: list[Any] = []
    stages = [stage.name for stage in PIPELINE]
    only = stages[: stages.index(until) + 1]
    config = load_config(TOY, PIPELINE, [*OPTIONS, *options])
    run(PIPELINE, config, root, events.append, only=only)
    return list(dict.fromkeys(e.stage for e in events if isinstance(e, ShardFinished)))


@pytest.fixture
def town(bucket: BucketPath) -> BucketPath:
    """Give the extract of the demo as an object."""
    write_bytes(bucket / "osm/town.osm.pbf", TOWN.read_bytes())
    return bucket / "osm/town.osm.pbf"


@pytest.mark.slow
def test_an_extract_and_labels_in_a_bucket_give_the_bytes_of_local_ones(
    town: BucketPath, tmp_path: Path
) -> None:
    (tmp_path / "labels.csv").write_bytes(LABELS)
    write_bytes(town.parent / "labels.csv", LABELS)
    there = [f"extract.path={town}", f"own_labels={town.parent}/labels.csv"]
    here = [f"own_labels={tmp_path}/labels.csv"]
    assert "extract" in made(tmp_path / "here", *here)
    made(tmp_path / "there", *there)
    expected = content_of(tmp_path / "here")
    assert len(expected) > 60
    assert content_of(tmp_path / "there") == expected
    assert made(tmp_path / "here", *there) == []  # the fingerprints are the same, too


def osm(count: int) -> bytes:
    """Give an OSM file with some trees."""
    tree = '<node id="{0}" version="1" lat="47.{0}" lon="8.1"><tag k="natural" v="tree"/></node>'
    nodes = "".join(tree.format(number) for number in range(1, count + 1))
    return f'<osm version="0.6">{nodes}</osm>'.encode()


def test_a_changed_object_is_noticed(bucket: BucketPath, tmp_path: Path) -> None:
    place, root = bucket / "trees.osm", tmp_path / "run"
    write_bytes(place, osm(3))
    path = f"extract.path={place}"
    assert made(root, path, until="boxes") == ["boxes"]
    assert made(root, path, until="boxes") == []
    write_bytes(place, osm(4))
    assert made(root, path, until="boxes") == ["boxes"]
    objects = Run(root).folder(tables.BOXES).dataset().to_table()
    assert sorted(objects["object_id"].to_pylist()) == ["n1", "n2", "n3", "n4"]


def test_the_config_that_a_run_keeps_names_the_address(bucket: BucketPath, tmp_path: Path) -> None:
    write_bytes(bucket / "trees.osm", osm(3))
    made(tmp_path / "run", f"extract.path={bucket}/trees.osm", until="boxes")
    kept = load_config(tmp_path / "run/_config.yaml", PIPELINE).stages["extract"]
    assert isinstance(kept, ExtractConfig)
    assert kept.paths == (bucket / "trees.osm",)


@pytest.mark.parametrize("name", ["s3://{bucket}/none.osm.pbf", "s3://nowhere/town.osm.pbf"])
def test_a_missing_object_or_bucket_is_one_sentence(
    bucket: BucketPath, tmp_path: Path, name: str
) -> None:
    address = name.format(bucket=bucket.bucket.removeprefix("s3://"))
    done = skyscript("run", TOY, "--out", tmp_path / "run", "--set", f"extract.path={address}")
    assert done.returncode == 2
    sentence = f"{address}: there is no such object, or no such bucket: check the address"
    assert done.stderr.strip().endswith(sentence)
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "address", "message"),
    [
        ("extract.path", "s3://bucket/osm/*.osm.pbf", "name one object: folders and patterns"),
        ("extract.path", "s3://bucket/osm/", "name one object: folders and patterns"),
        ("extract.path", "s3://bucket", "name one object: folders and patterns"),
        ("extract.path", "s3://bucket/../a.osm", "an address of a bucket cannot contain '..'"),
        ("extract.path", "https://host/a.osm.pbf", "an address of no bucket (s3://, gs://, az://)"),
        ("own_labels", "ftp://host/a.csv", "an address of no bucket (s3://, gs://, az://)"),
        (
            "sources.aerial",
            "{backend: folder, path: 'ftp://b/k'}",
            "of this machine or of a bucket",
        ),
    ],
)
def test_what_cannot_be_read_from_a_bucket_is_refused_with_its_key(
    key: str, address: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(TOY, PIPELINE, [f"{key}={address}"])
    assert message in str(caught.value)
    assert key in str(caught.value)


def test_files_of_the_filter_are_known_by_their_content(bucket: BucketPath, tmp_path: Path) -> None:
    data = b"filepath,quality\nimages2/a.jpg,1\n"
    (tmp_path / "scores.csv").write_bytes(data)
    write_bytes(bucket / "scores.csv", data)

    def identity(folder: object) -> object:
        names = {"join": [f"{folder}/scores.csv"], "leave_out": [f"{folder}/scores.csv"]}
        labels = {"labels": f"{folder}/scores.csv", "combine": "learned"}
        config = FilterConfig.model_validate(names | labels)
        return FILTER.external(config), config.identity()

    assert identity(bucket) == identity(tmp_path)
    write_bytes(bucket / "scores.csv", data.replace(b"1", b"2"))
    assert identity(bucket) != identity(tmp_path)


def test_a_check_copies_what_a_run_reads(town: BucketPath, tmp_path: Path) -> None:
    done = skyscript("check", TOY, "--out", tmp_path / "run", "--set", f"extract.path={town}")
    assert done.returncode == 0
    assert "town.osm.pbf: " in done.stdout
