"""One extract in many encodings gives the same objects, whoever reads it."""

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import osmium
import pyarrow as pa
import pytest

from tests.conftest import extracts
from tests.skyscript.osm.blocks import pbf
from tests.skyscript.osm.osm_text import convert, extracted, write_opl

pytestmark = pytest.mark.slow


def as_written(name: str, options: str = "") -> Callable[[Path, Path], Path]:
    return lambda source, folder: convert(source, folder / name, options)


def unpacked(source: Path, folder: Path) -> list[bytes]:
    """Give the blocks of a file, without its header."""
    return pbf.blocks_of(convert(source, folder / "plain.osm.pbf", "pbf,pbf_compression=none"))[1:]


def of_zstd(source: Path, folder: Path) -> Path:
    return pbf.write(folder / "zstd.osm.pbf", *unpacked(source, folder), pack=pbf.zstd_blob)


def reblocked(source: Path, folder: Path) -> Path:
    """Write blocks of 500, 3,000 and 70 objects in turn, some of several types."""
    things, blocks = iter(osmium.FileProcessor(str(source))), []
    for number, size in enumerate(itertools.cycle([500, 3000, 70])):
        piece = folder / f"piece{number}.osm.pbf"
        with osmium.SimpleWriter(osmium.io.File(str(piece), "pbf,pbf_compression=none")) as out:
            some = [out.add(thing) for thing in itertools.islice(things, size)]
        if not some:
            return pbf.write(folder / "small.osm.pbf", *blocks)
        blocks += pbf.blocks_of(piece)[1:]
    raise AssertionError


def shuffled(name: str) -> Callable[[Path, Path], Path]:
    def write(source: Path, folder: Path) -> Path:
        lines = convert(source, folder / "sorted.opl").read_text().splitlines()
        random.Random(1).shuffle(lines)
        return convert(write_opl(folder / "mixed.opl", *lines), folder / name)

    return write


def with_places(source: Path, folder: Path) -> Path:
    path = folder / "places.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(path), "pbf,locations_on_ways=true")) as out:
        for thing in osmium.FileProcessor(str(source)).with_locations():
            out.add(thing)
    return path


OF_PBF = {
    "dense nodes, zlib": as_written("dense.osm.pbf"),
    "no dense nodes": as_written("single.osm.pbf", "pbf,pbf_dense_nodes=false"),
    "not compressed": as_written("raw.osm.pbf", "pbf,pbf_compression=none"),
    "lz4": as_written("lz4.osm.pbf", "pbf,pbf_compression=lz4"),
    "blocks of other sizes": reblocked,
    "in no order": shuffled("mixed.osm.pbf"),
    "places on ways": with_places,
}
OF_TEXT = {
    "XML": as_written("lines.osm"),
    "XML, gzip": as_written("lines.osm.gz"),
    "XML, bzip2": as_written("lines.osm.bz2"),
    "XML in no order": shuffled("mixed.osm"),
    "OPL": as_written("lines.opl"),
    "OPL, gzip": as_written("lines.opl.gz"),
    "OPL, bzip2": as_written("lines.opl.bz2"),
}
ENCODINGS = OF_PBF | OF_TEXT
BY_BLOCKS = OF_PBF | {"zstd, which libosmium does not read": of_zstd}


@pytest.fixture(scope="module", params=extracts("monaco"))
def extract(request, tmp_path_factory) -> tuple[Path, pa.Table]:
    """Give an extract, and its objects."""
    return request.param, extracted(request.param, tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_changes_no_object(extract, tmp_path, encoding):
    source, expected = extract
    path = ENCODINGS[encoding](source, tmp_path)
    assert extracted(path, tmp_path).equals(expected)


@pytest.mark.parametrize("encoding", BY_BLOCKS)
def test_an_encoding_of_pbf_changes_no_object_in_shards(extract, tmp_path, encoding):
    pytest.importorskip("numba")
    pytest.importorskip("isal")
    from tests.stages.extract.reader import extracted_by_shards

    source, expected = extract
    path = BY_BLOCKS[encoding](source, tmp_path)
    assert extracted_by_shards(path, tmp_path).equals(expected)
