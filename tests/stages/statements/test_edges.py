"""What an image may show besides its things leaves their number open."""

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import shapely

from stages import tables
from tests.stages.statements.test_statements import META, made, objects, wkb

__all__ = ["objects"]  # a fixture
NEAR = {"share": 0.1, "distance": 1.0}


@pytest.mark.parametrize(
    ("name", "box", "is_seen"),
    [
        ("n70", (-5, 100, -5, 100), True),  # a crown of 8 m reaches into the image
        ("n70", (-30, 100, -30, 100), False),
        ("n70", (50, 100, 50, 100), True),  # too fine to be a neighbour, but it may have a size
        ("a70", (-30, 100, 1, 130), True),  # a narrow strip
        ("a70", (-30, 100, -1.9, 130), True),  # its border, and a pixel
        ("a70", (-30, 100, -2.1, 130), False),
        ("a70", (50, 100, 55, 105), True),  # too small to be a neighbour
    ],
)
def test_what_is_at_the_edge_and_no_neighbour_is_not_counted(name, box, is_seen, objects, tmp_path):
    rows = objects.to_table().to_pylist()
    kind = {"n": "n7", "a": "a4"}[name[0]]  # a tree, a church
    (like,) = [row for row in rows if row["object_id"] == kind]
    another = like | {"object_id": name, "osm_id": 70, "geometry": wkb(*box)}
    sides = shapely.from_wkb(another["geometry"]).bounds
    another |= dict(zip(("west", "south", "east", "north"), sides, strict=True))
    table = pa.Table.from_pylist([*rows, another], tables.OBJECTS.schema)
    ds.write_dataset(table, tmp_path / "objects", format="parquet")
    claims = {row["claim"] for row in made(ds.dataset(tmp_path / "objects"))}
    thing, other = ("tree", "church") if name[0] == "n" else ("church", "tree")
    assert (f"count({thing}) = 1" not in claims) == is_seen
    assert (f"only({thing})" not in claims) == (is_seen or thing == "tree")  # of areas
    assert f"count({other}) = 1" in claims
    assert "direction(church, tennis court) = southeast" in claims  # there is one


@pytest.mark.parametrize(("left", "is_said"), [(3, True), (1, False)])
def test_a_strip_is_not_the_outermost_where_another_thing_reaches_as_far(
    left, is_said, objects, tmp_path
):
    rows = objects.to_table().to_pylist()
    (like,) = [row for row in rows if row["object_id"] == "a2"]  # a tennis court
    around = META["surrounding"]
    for number, box in ((70, (2, 60, 7, 90)), (71, (left, 100, 60, 130))):
        shape = {"object_id": f"a{number}", "osm_id": number, "geometry": wkb(*box)}
        sides = shapely.from_wkb(shape["geometry"]).bounds
        rows.append(
            like | shape | dict(zip(("west", "south", "east", "north"), sides, strict=True))
        )
        around = [*around, {"object_id": f"a{number}", "tags": like["tags"]} | NEAR]
    ds.write_dataset(pa.Table.from_pylist(rows, tables.OBJECTS.schema), tmp_path, format="parquet")
    found = [
        row["rests_on"]
        for row in made(ds.dataset(tmp_path), meta=META | {"surrounding": around})
        if row["claim"] == "westernmost(tennis court)"
    ]
    assert found == ([["a70"]] if is_said else [])
