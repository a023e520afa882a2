"""Bytes that no PBF file may hold end in one sentence, in bounded time and memory."""

import random
import zlib

import pytest

from pipeline.errors import InputError
from stages.extract import by_blocks
from tests.conftest import TOWN
from tests.skyscript.osm.blocks import pbf
from tests.skyscript.osm.osm_text import convert
from tests.stages.extract.reader import extracted_by_shards, read_here_always

pytest.importorskip("numba")
pytest.importorskip("isal")
pytestmark = pytest.mark.slow
"""The decoder is compiled first."""

TAGS = [b"building", b"yes"]
NODES = pbf.dense([1, 2], [70_000_000, 70_001_000], [430_000_000, 430_000_000])
LINE = pbf.way(7, [1, 2], [1], [2])
GOOD = pbf.block(TAGS, NODES, LINE)


def bomb(block: bytes) -> bytes:
    return pbf.field(2, len(block)) + pbf.field(3, zlib.compress(bytes(60_000_000), 9))


def cut(block: bytes) -> bytes:
    return pbf.field(2, len(block)) + pbf.field(3, zlib.compress(block)[:-6])


def understated(block: bytes) -> bytes:
    return pbf.field(2, len(block) - 1) + pbf.field(3, zlib.compress(block))


def vast(block: bytes) -> bytes:
    return pbf.field(2, 1 << 40) + pbf.field(3, zlib.compress(block))


def not_packed(block: bytes) -> bytes:
    return pbf.field(2, len(block))


def zstd_of_wrong_size(block: bytes) -> bytes:
    return pbf.zstd_blob(block).replace(pbf.field(2, len(block)), pbf.field(2, len(block) + 9))


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Give the sentence that names a file, or fail if the block decoder does not refuse it."""
    read_here_always(monkeypatch)
    monkeypatch.setattr(by_blocks, "OsmFile", None)  # no help of libosmium

    def sentence(*blocks: bytes, **options) -> str:
        path = pbf.write(tmp_path / "hostile.osm.pbf", *blocks, **options)
        with pytest.raises(InputError, match="cannot be read as an OSM file") as error:
            extracted_by_shards(path, tmp_path)
        assert str(path) in str(error.value)
        return str(error.value)

    return sentence


@pytest.mark.parametrize("pack", [bomb, cut, understated, vast, not_packed, zstd_of_wrong_size])
def test_a_blob_that_is_not_what_it_says_is_refused(refused, pack):
    assert "blo" in refused(GOOD, pack=pack)


BLOCKS = {
    "index beyond the table of strings": pbf.block(TAGS, NODES, pbf.way(7, [1, 2], [1], [9])),
    "negative index": pbf.block(TAGS, NODES, pbf.way(7, [1, 2], [-1], [1])),
    "index of a dense node": pbf.block(TAGS, pbf.dense([1], [7], [7], [1, 77, 0])),
    "key without a value": pbf.block(TAGS, pbf.dense([1], [7], [7], [1])),
    "fewer values than keys": pbf.block(TAGS, NODES, pbf.way(7, [1, 2], [1, 1], [2])),
    "fewer latitudes than nodes": pbf.block(TAGS, pbf.dense([1, 2], [7, 8], [7])),
    "length beyond the block": pbf.block(TAGS) + b"\x12\xff\xff\x03" + NODES,
    "length below zero": pbf.block(TAGS) + b"\x12" + b"\xff" * 9 + b"\x01" + NODES,
    "endless number": pbf.block(TAGS) + b"\x80" * 400,
    "cut off number": pbf.block(TAGS) + b"\x88",
    "reference cut off": pbf.block(TAGS, pbf.field(3, b"\x08\x07" + pbf.field(8, b"\x02\x80"))),
    "no field of any type": pbf.block(TAGS) + b"\x0f\x01",
    "no strings": pbf.field(2, NODES),
    "strings twice": pbf.block(TAGS) + pbf.block(TAGS, NODES),
    "overlong string": pbf.block([b"x" * 2000], NODES),
    "member of no type": pbf.block(
        TAGS,
        pbf.field(
            4, b"\x08\x07" + pbf.packed(8, [0]) + pbf.differences(9, [1]) + pbf.packed(10, [9])
        ),
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_damaged_block_is_refused(refused, name):
    refused(BLOCKS[name])


def test_a_file_that_ends_early_is_refused_wherever_it_ends(refused, tmp_path):
    whole = pbf.write(tmp_path / "whole.osm.pbf", GOOD).read_bytes()
    header = len(pbf.header())
    for size in [*range(header), *range(header + 1, len(whole))]:
        refused(head=whole[:size])


@pytest.mark.slow
def test_random_damage_gives_rows_or_a_sentence(tmp_path, monkeypatch):
    read_here_always(monkeypatch)
    # What the decoder leaves to libosmium is not read here: libosmium may end the process.
    monkeypatch.setattr("stages.extract.reading.open_files", _left)
    town = convert(TOWN, tmp_path / "town.osm.pbf", "pbf,pbf_compression=none").read_bytes()
    draw, ends = random.Random(7), {"rows": 0, "InputError": 0, "Left": 0}
    path = tmp_path / "damaged.osm.pbf"
    for _ in range(25):
        data = bytearray(town)
        for _ in range(draw.choice([1, 3, 10])):
            data[draw.randrange(200, len(data))] = draw.choice([0, 1, 127, 128, 255])
        path.write_bytes(data)
        try:
            extracted_by_shards(path, tmp_path)
            ends["rows"] += 1
        except (InputError, Left) as error:
            ends[type(error).__name__] += 1
    assert all(ends.values()), ends


class Left(Exception):
    pass


def _left(*_):
    raise Left
