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


def with_another(objects, path, tags, box, name="a70", meta=META):
    """Give the objects and one more area, and the row of the image with it as a neighbour."""
    rows = objects.to_table().to_pylist()
    shape = {"object_id": name, "osm_id": 70, "geometry": wkb(*box), "tags": list(tags.items())}
    sides = shapely.from_wkb(shape["geometry"]).bounds
    shape |= dict(zip(("west", "south", "east", "north"), sides, strict=True))
    table = pa.Table.from_pylist([*rows, rows[1] | shape], tables.OBJECTS.schema)
    ds.write_dataset(table, path, format="parquet")
    around = [*meta["surrounding"], {"object_id": name, "tags": shape["tags"]} | NEAR]
    return ds.dataset(path), meta | {"surrounding": around}


@pytest.mark.parametrize("is_neighbour", [True, False])
def test_what_is_only_called_a_building_may_be_a_house(is_neighbour, objects, tmp_path):
    box = (30, 150, 90, 199) if is_neighbour else (30, 199, 90, 230)
    known, meta = with_another(objects, tmp_path, {"building": "yes"}, box)
    told = {row["claim"] for row in made(known, meta=meta if is_neighbour else META)}
    assert not told & {"count(house) = 2", "only(church)", "largest(house)", "count(church) = 1"}
    assert {"attribute(house, gabled roof)", "direction(church, tennis court) = southeast"} <= told
    assert ("count(building) = 4" in told) == is_neighbour
    assert "count(tennis court) = 2" in told  # no building is one


def test_a_share_of_houses_is_not_said_beside_a_large_building(objects, tmp_path):
    house = {"building": "house"}
    known, meta = with_another(objects, tmp_path / "one", house, (0, 100, 100, 200))
    assert "cover(house) = 30" in {row["claim"] for row in made(known, meta=meta)}
    building = {"building": "yes"}, (0, 0, 20, 5), "a71"
    known, meta = with_another(known, tmp_path / "two", *building, meta)
    told = {row["claim"] for row in made(known, meta=meta)}
    assert "cover(park) = 50" in told
    assert not any(claim.startswith("cover(house)") for claim in told)


def test_a_school_in_a_building_has_the_roof_of_the_building(objects, tmp_path):
    school = {"building": "yes", "amenity": "school", "roof:shape": "flat"}
    known, meta = with_another(objects, tmp_path, school, (30, 150, 90, 199))
    rows = made(known, ("attribute",), meta=meta)
    assert {row["claim"] for row in rows if row["rests_on"] == ["a70"]} == {
        "attribute(building, flat roof)"
    }


@pytest.mark.parametrize(("low", "is_said"), [(187, True), (189, False), (199, False)])
def test_a_strip_is_not_the_outermost_where_another_thing_reaches_nearly_as_far(
    low, is_said, objects, tmp_path
):
    rows = objects.to_table().to_pylist()
    (like,) = [row for row in rows if row["object_id"] == "a2"]  # a tennis court
    around = META["surrounding"]
    for number, box in ((70, (60, 190, 90, 198)), (71, (40, 90, 55, low))):
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
        if row["claim"] == "southernmost(tennis court)"
    ]
    assert found == ([["a70"]] if is_said else [])
