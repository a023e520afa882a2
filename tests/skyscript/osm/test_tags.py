"""Columns of tags as Python values."""

import pyarrow as pa

from skyscript.osm.tags import tags_of
from stages import tables

ROWS = [
    [("building", "yes"), ("name", "Chez nous")],
    [],
    [("name", "building"), ("building", "yes"), ("roof:shape", "")],
]


def test_the_tags_of_each_row_are_those_of_to_pylist() -> None:
    array = pa.array(ROWS * 3, tables.TAGS)
    for column in (
        array,
        array[2:7],
        pa.chunked_array([array[:4], array[3:3], array[1:6]]),
        pa.chunked_array([array[5:8]]),
        pa.chunked_array([], tables.TAGS),
    ):
        assert tags_of(column) == [tuple(row) for row in column.to_pylist()]
