"""What covers a place."""

import os
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from skyscript.geo.tile import Box
from skyscript.imagery.scene_index import scene_index, scenes_by_id
from tests.skyscript.imagery.rasters import scenes_table

TWO = (
    {"scene_id": "CH/a.tif", "box": (0, 0, 1, 1)},
    {"scene_id": "CH/b.tif", "box": (0.5, 0, 2, 1), "gsd": 0.2, "weight": 2.0},
)


def test_it_gives_the_scenes_at_a_place() -> None:
    known = scene_index(scenes_table(*map(dict, TWO)))
    assert known.touching(Box(0.2, 0.2, 0.2, 0.2)).tolist() == [0]
    assert known.touching(Box(0.7, 0.2, 0.7, 0.2)).tolist() == [0, 1]
    assert known.touching(Box(5, 5, 6, 6)).tolist() == []
    points = np.array([[0.2, 0.2], [5, 5], [0.7, 0.2], [9, 9]])
    assert [s.tolist() for s in known.touching_points(points)] == [[0], [], [0, 1], []]
    assert known.touching_points(points[:0]) == []
    assert (known.scene_id(1), known.sources[1]) == ("CH/b.tif", "CH")
    assert (known.gsds[1], known.weights[1]) == (0.2, 2.0)


def test_it_is_read_once_and_again_when_the_table_changes(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    table = scenes_table(*map(dict, TWO)).to_table()
    pq.write_table(table, path)
    first = scene_index(ds.dataset(path))
    assert scene_index(ds.dataset(path)) is first
    pq.write_table(table.slice(0, 1), path)
    os.utime(path, ns=(1, 1))
    assert len(scene_index(ds.dataset(path)).sources) == 1


def test_scenes_are_found_by_their_ids() -> None:
    found = scenes_by_id(scenes_table(*map(dict, TWO)), ["CH/b.tif", "CH/b.tif"])
    assert list(found) == ["CH/b.tif"]
    assert found["CH/b.tif"].gsd == 0.2
    assert found["CH/b.tif"].box == Box(0.5, 0, 2, 1)
    assert found["CH/b.tif"].acquired.year == 1970
