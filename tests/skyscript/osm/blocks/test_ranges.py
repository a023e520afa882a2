"""Ranges of blobs: each blob is in the range of each type that it may hold, once."""

import itertools

import pytest

from tests.skyscript.osm.blocks import pbf

pytest.importorskip("numba")
pytest.importorskip("isal")

from skyscript.osm.blocks.ranges import cut
from skyscript.osm.blocks.reader import open_blocks

pytestmark = pytest.mark.slow
"""The decoder is compiled first."""
TAGS = [b"building", b"yes", b"type", b"multipolygon"]


def nodes(first):
    return pbf.dense([first, first + 1], [70_000_000] * 2, [430_000_000] * 2)


def way(osm_id):
    return pbf.way(osm_id, [1, 2], [1], [2])


def forest(osm_id, *ways):
    return pbf.relation(osm_id, list(ways), [1, 3], [2, 4])


FILES = {
    "apart": [[nodes(1)], [nodes(3)], [way(5)], [way(7)], [way(9)], [forest(1, 5, 9)]],
    "shared": [[nodes(1)], [nodes(3), way(5)], [way(7)], [way(9), forest(1, 5, 9)]],
    "one block": [[nodes(1), way(5), way(7), way(9), forest(1, 5, 9)]],
    "two relations": [[nodes(1)], [way(5)], [way(9)], [forest(1, 9)], [forest(2, 5)]],
}


@pytest.mark.parametrize("count", [1, 2, 3, 10])
@pytest.mark.parametrize("name", FILES)
def test_ranges_hold_each_blob_and_each_member_once(tmp_path, name, count):
    blocks = FILES[name]
    path = pbf.write(tmp_path / "some.osm.pbf", *(pbf.block(TAGS, *groups) for groups in blocks))
    with open_blocks(path, ["building"]) as file:
        ranges = list(cut(file, count))
        starts = [blob.start for blob in file.blobs()]
    assert len(ranges) == count
    for kind, make in (("nodes", b"\x12"), ("ways", b"\x1a"), ("relations", b"\x22")):
        found = [blob.start for each in ranges for blob in getattr(each, kind)]
        held = [
            start
            for start, groups in zip(starts, blocks, strict=True)
            if any(group.startswith(make) for group in groups)
        ]
        assert found == sorted(set(found))
        assert set(held) <= set(found)
    members = list(itertools.chain.from_iterable(each.members.tolist() for each in ranges))
    assert members == [5, 9]


@pytest.mark.parametrize("blocks", [[[nodes(1)]], [[way(5)]], [[forest(1, 5)]], []])
def test_a_file_of_one_type_or_of_nothing_is_cut(tmp_path, blocks):
    path = pbf.write(tmp_path / "some.osm.pbf", *(pbf.block(TAGS, *groups) for groups in blocks))
    with open_blocks(path, ["building"]) as file:
        ranges = list(cut(file, 3))
    assert len(ranges) == 3
    assert {blob.start for each in ranges for blobs in each[:3] for blob in blobs} or not blocks


def test_a_shared_blob_may_hold_two_types_and_others_one(tmp_path):
    blocks = [pbf.block(TAGS, *groups) for groups in FILES["shared"]]
    with open_blocks(pbf.write(tmp_path / "some.osm.pbf", *blocks), ["building"]) as file:
        (ranges,) = cut(file, 1)
    assert [(blob.least, blob.most) for blob in ranges.nodes] == [(0, 0), (0, 1)]
    assert [(blob.least, blob.most) for blob in ranges.ways] == [(0, 1), (1, 1), (1, 2)]
    assert [(blob.least, blob.most) for blob in ranges.relations] == [(1, 2)]
