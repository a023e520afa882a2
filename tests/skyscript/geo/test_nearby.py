"""Objects around tiles."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from skyscript.geo import nearby as neighbours
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


def test_tiles_far_apart_do_not_make_it_read_what_lies_between(place, monkeypatch):
    west, east = tiles(place, 40)[:20], tiles(place, 40)[20:]
    boxes = [*west, *(Box(b.west + 90, b.south, b.east + 90, b.north) for b in east)]
    groups = neighbours._groups(np.array(boxes))
    assert len(groups) <= neighbours.MOST_GROUPS
    assert all(group.east - group.west < 1 for group in groups)
    for box in boxes:
        assert any(
            group.west <= box.west
            and group.south <= box.south
            and group.east >= box.east
            and group.north >= box.north
            for group in groups
        )


def test_a_tile_reads_few_row_groups(place):
    (box,) = tiles(place, 1)
    wanted = neighbours._meets(box)
    read = sum(len(fragment.subset(filter=wanted).row_groups) for fragment in place.get_fragments())
    whole = sum(len(fragment.row_groups) for fragment in place.get_fragments())
    assert whole > 25
    assert read < whole / 2
