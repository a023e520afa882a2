"""Distinct tags of many objects are those that the objects have, one by one."""

import pyarrow as pa

from skyscript.osm.tags import distinct_tags, tags_of

TYPE = pa.map_(pa.string(), pa.string())
ROWS = [
    [("building", "yes")],
    [],
    [("building", "yes"), ("name", "a")],
    [("name", "a"), ("building", "yes")],
    [("building", "yes")],
    [("yes", "building")],
]


def test_rows_of_equal_tags_in_equal_order_have_one_number():
    maps = pa.array(ROWS, TYPE)
    distinct, number = distinct_tags(maps)
    assert [distinct[one] for one in number] == tags_of(maps)
    assert len(set(distinct)) == len(distinct) == 5


def test_a_slice_is_read_from_its_start():
    distinct, number = distinct_tags(pa.array(ROWS, TYPE)[3:])
    assert [distinct[one] for one in number] == [tuple(row) for row in ROWS[3:]]
