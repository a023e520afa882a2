"""Objects around tiles."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from skyscript.geo import row_groups
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box
from stages import tables
from tests.conftest import extracts
from tests.skyscript.osm.osm_text import extracted


@pytest.fixture(scope="module", params=extracts("monaco"))
def place(request, tmp_path_factory):
    """Give a place's objects as a run stores them: some parts of small row groups."""
    folder = tmp_path_factory.mktemp("place")
    table = extracted(request.param, folder)
    files = []
    for start in range(0, len(table), 2000):
        files.append(str(folder / f"{start:05}.parquet"))
        pq.write_table(table.slice(start, 2000), files[-1], row_group_size=256)
    return ds.dataset(files, schema=tables.OBJECTS.schema, format="parquet")


def all_that_meet(dataset, boxes):
    """Ask the same of every row in turn."""
    table = dataset.to_table()
    west, south, east, north = (
        table[side].to_numpy(zero_copy_only=False) for side in ("west", "south", "east", "north")
    )
    meets = np.zeros(len(table), dtype=bool)
    for box in boxes:
        meets |= (
            (west <= box.east) & (east >= box.west) & (south <= box.north) & (north >= box.south)
        )
    return table.filter(pa.array(meets))


def tiles(dataset, count, seed=0):
    """Give boxes of some 100 m around drawn objects."""
    table = dataset.to_table(filter=pc.field("status") == "ok")
    rows = np.random.default_rng(seed).choice(len(table), count, replace=False)
    chosen = table.take(rows)
    return [
        Box(lon - 6e-4, lat - 4e-4, lon + 6e-4, lat + 4e-4)
        for lon, lat in zip(chosen["west"].to_pylist(), chosen["south"].to_pylist(), strict=True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 20, 256])
def test_it_gives_every_object_whose_box_meets_a_tile_in_dataset_order(place, count):
    boxes = tiles(place, count)
    near = objects_near(place, boxes)
    assert len(near) > count
    assert near.equals(all_that_meet(place, boxes))
    assert set(near["status"].to_pylist()) == {"ok"}


def test_boxes_that_only_touch_meet(place):
    row = place.head(1).to_pylist()[0]
    beside = Box(row["east"], row["north"], row["east"] + 1e-6, row["north"] + 1e-6)
    assert row["object_id"] in objects_near(place, [beside])["object_id"].to_pylist()


def test_no_tile_and_a_tile_in_the_open_sea_have_no_neighbours(place):
    for boxes in ([], [Box(-40, 30, -39.99, 30.01)]):
        near = objects_near(place, boxes)
        assert len(near) == 0
        assert near.schema.equals(tables.OBJECTS.schema)


@pytest.fixture
def read(monkeypatch):
    """Give the numbers of rows of the row groups that are read from files, as they are read."""
    rows, of = [], row_groups._of

    def spy(table, columns):
        rows.append(len(table))
        return of(table, columns)

    monkeypatch.setattr(row_groups, "_LAST", row_groups._LastRead())
    monkeypatch.setattr(row_groups, "_of", spy)
    return rows


def test_tiles_far_apart_do_not_make_it_read_what_lies_between(place, read):
    (box,) = tiles(place, 1)
    objects_near(place, [box])
    alone = sum(read)
    read.clear()
    row_groups._LAST.__init__()
    around = [Box(b.west + d, b.south, b.east + d, b.north) for b in [box] for d in (-90, 90)]
    objects_near(place, [around[0], box, around[1]])
    assert sum(read) == alone > 0


def test_a_tile_reads_few_row_groups(place, read):
    objects_near(place, tiles(place, 1))
    assert 0 < sum(read) < place.count_rows() / 2


def test_row_groups_are_read_once_and_anew_if_the_file_changes(place, read, tmp_path):
    path = tmp_path / "objects.parquet"
    table = place.head(1000)
    pq.write_table(table, path, row_group_size=256)
    boxes, found = tiles(place, 3), []
    for rows in (table, table, table.slice(500)):
        if rows is not table:
            pq.write_table(rows, path, row_group_size=256)
        objects = ds.dataset(path, schema=tables.OBJECTS.schema)
        found.append(objects_near(objects, boxes))
        assert found[-1].equals(all_that_meet(objects, boxes))
    assert found[0].equals(found[1])
    assert len(read) > 0
    assert sum(read) <= 1500
    assert objects_near(objects, boxes, ["object_id"]).column_names == ["object_id"]


def test_the_row_groups_in_memory_are_bounded(place, read, monkeypatch):
    table = place.to_table(columns=["west"])
    monkeypatch.setattr(row_groups, "_MOST_OCTETS", 100_000)
    objects_near(place, [Box(-180, -90, 180, 90)])
    held = row_groups._LAST._groups.values()
    assert sum(read) == len(table)
    assert 0 < sum(map(row_groups._octets, held)) == row_groups._LAST._octets <= 100_000
