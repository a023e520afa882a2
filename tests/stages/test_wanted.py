"""Which objects a tile can show: all that later stages look up around it, and few others."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.part_ranges import write_ranges
from pipeline.schema import conform
from pipeline.stage import Shard
from pipeline.storage import place_of
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box, widened
from stages import tables
from stages.wanted import AROUND, AROUND_FOR_TRUTH, NOT_WANTED, WANTED, WantedConfig, find_wanted
from tests.stages.sampling import TREE, objects
from tests.stages.stored import stored

SIDE = 0.002
DEGREE = 111_320.0
"""Metres."""


def tile(lon: float, lat: float, **columns: object) -> dict[str, object]:
    """Give the row of a tile with its south-west corner at a place."""
    box = Box(lon, lat, lon + SIDE, lat + SIDE)
    row = {"object_id": "n1", "part": 2, "centred": True, "candidates": [], "status": "ok"}
    return row | box._asdict() | columns


def tiles_of(*rows: dict[str, object]) -> ds.Dataset:
    return ds.dataset(pa.Table.from_pylist(list(rows), schema=tables.TILES.schema))


def reasons(
    boxes: ds.Dataset, tiles: ds.Dataset, density: pa.Table | None = None
) -> list[str | None]:
    given = boxes.to_table().cast(tables.BOXES.schema)
    found = find_wanted(given, density, tiles=tiles, config=WantedConfig(), shard=Shard(0, None))
    table = conform(found, tables.WANTED, where="test")
    assert table["object_id"].equals(given["object_id"])
    return table["reason"].to_pylist()


def boxes_at(*places: tuple[float, float]) -> ds.Dataset:
    made = objects(*((*place, TREE) for place in places)).to_table()
    return ds.dataset(made.select(tables.BOXES.schema.names).cast(tables.BOXES.schema))


def test_an_object_in_a_tile_or_near_it_is_wanted_and_one_far_from_all_is_not() -> None:
    near, far = (AROUND - 5) / DEGREE, (AROUND + 5) / DEGREE
    made = boxes_at((7.001, 43.001), (7.001, 43 - near), (7.001, 43 - far), (7.2, 43.001))
    assert reasons(made, tiles_of(tile(7, 43))) == [None, None, NOT_WANTED, NOT_WANTED]
    assert reasons(made, tiles_of(tile(7, 43), tile(7.199, 43))) == [None, None, NOT_WANTED, None]


def test_a_run_that_judges_absence_wants_more_around_a_tile() -> None:
    place = (7.001, 43 - (AROUND_FOR_TRUTH - 5) / DEGREE)
    made, tiles = boxes_at(place), tiles_of(tile(7, 43))
    assert reasons(made, tiles) == [NOT_WANTED]
    assert reasons(made, tiles, tables.DENSITY.schema.empty_table()) == [None]


def test_a_large_object_around_a_tile_is_wanted() -> None:
    row = boxes_at((6.9, 42.9)).to_table().to_pylist()[0] | {"east": 7.1, "north": 43.1}
    made = ds.dataset(pa.Table.from_pylist([row], schema=tables.BOXES.schema))
    assert reasons(made, tiles_of(tile(7, 43))) == [None]


def test_an_object_without_a_place_keeps_its_reason_and_a_lost_tile_shows_nothing() -> None:
    rows = boxes_at((7.001, 43.001), (7.001, 43.001)).to_table().to_pylist()
    rows[1] |= dict.fromkeys(Box._fields) | {"status": "filtered", "reason": "no place"}
    made = ds.dataset(pa.Table.from_pylist(rows, schema=tables.BOXES.schema))
    assert reasons(made, tiles_of(tile(7, 43))) == [None, "no place"]
    lost = tile(7, 43, **dict.fromkeys(Box._fields), status="filtered", reason="at the edge")
    assert reasons(made, tiles_of(lost)) == [NOT_WANTED, "no place"]


@pytest.mark.parametrize("latitude", [0.0, 47.0, -70.0, 84.9])
def test_all_that_later_stages_look_up_is_wanted(latitude: float) -> None:
    draws = np.random.default_rng(int(abs(latitude)))
    rows = [tile(*each) for each in (draws.random((20, 2)) * 0.05 + (20, latitude)).tolist()]
    made = boxes_at(*(draws.random((2000, 2)) * 0.07 + (19.99, latitude - 0.01)).tolist())
    for density, metres in (
        (None, AROUND),
        (tables.DENSITY.schema.empty_table(), AROUND_FOR_TRUTH),
    ):
        looked_up = objects_near(made, [widened(Box.of(row), metres) for row in rows])
        found = np.array(reasons(made, tiles_of(*rows), density)) == None  # noqa: E711
        wanted = made.to_table().filter(pa.array(found))["object_id"].to_pylist()
        assert {*looked_up["object_id"].to_pylist()} <= {*wanted}
        assert 0 < len(wanted) < 2000


def test_tiles_in_many_parts_are_looked_up_by_their_boxes(tmp_path: Path) -> None:
    rows = [tile(7 + 0.01 * number, 43) for number in range(30)]
    parts = [pa.Table.from_pylist([row], schema=tables.TILES.schema) for row in rows]
    tiles = stored(tables.TILES, tmp_path, parts)
    files = [place_of(file) for file in tiles.files]
    write_ranges(files[0].parent, files, tables.TILES.ranges)
    made = boxes_at((7.051, 43.001), (7.055, 43.001), (7.291, 43.001))
    expected = [None, NOT_WANTED, None]
    assert reasons(made, tiles) == reasons(made, tiles_of(*rows)) == expected
    for number in (0, 10, 20):  # no object is near these, so they are not opened
        files[number].write_bytes(b"damaged")
    assert reasons(boxes_at((7.051, 43.001)), tiles) == [None]


def test_the_stage_reads_density_only_if_the_run_has_it() -> None:
    assert WANTED.reads == (tables.BOXES,)
    assert WANTED.may_read == (tables.DENSITY,)
