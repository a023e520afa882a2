"""Where objects lie, coarsely; outlines on the globe."""

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import shapely

from skyscript.geo.tile import Box
from skyscript.imagery.outline import footprint_in_degrees
from skyscript.imagery.places import (
    cells_by_place,
    occupied_places,
    places_within,
    search_areas,
)
from stages import tables


def objects(*boxes: tuple[float, float, float, float]) -> ds.Dataset:
    rows = [
        {
            "object_id": f"n{number}",
            "kind": "n",
            "osm_id": number,
            **Box(*box)._asdict(),
            "tags": [],
            "chosen_by": "all",
        }
        for number, box in enumerate(boxes)
    ]
    return ds.dataset(pa.Table.from_pylist(rows, schema=tables.FOCUS.schema))


def test_objects_share_a_cell_around_their_centres_and_cells_a_place() -> None:
    found = occupied_places(
        objects(
            (9.0, 47.0, 9.02, 47.02),
            (9.02, 47.02, 9.02, 47.02),
            (9.2, 47.2, 9.2, 47.2),
            (9.26, 47.0, 9.26, 47.0),
        )
    )
    cells = [tuple(round(side, 3) for side in cell) for cell in found]
    assert cells == [(9.01, 47.01, 9.02, 47.02), (9.26, 47.0, 9.26, 47.0), (9.2, 47.2, 9.2, 47.2)]
    assert cells_by_place(found) == [[found[0], found[2]], [found[1]]]


def test_objects_over_the_antimeridian_and_no_objects_have_no_place() -> None:
    assert occupied_places(objects((-179.9, 0, 179.9, 1))) == []
    assert occupied_places(objects()) == []


def test_places_are_gathered_by_the_degree_and_never_without_an_area() -> None:
    one = Box(9.1, 47.1, 9.1, 47.1)
    (cell,) = search_areas([one])
    assert cell.west < 9.1 < cell.east and cell.south < 47.1 < cell.north
    assert len(search_areas([one, Box(9.9, 47.9, 9.9, 47.9), Box(10.1, 47.1, 10.1, 47.1)])) == 2
    (edge,) = search_areas([Box(180, 90, 180, 90)])
    assert (edge.east, edge.north) == (180, 90)


def test_only_places_in_a_coverage_are_asked_about() -> None:
    inside, outside = Box(9, 47, 9, 47), Box(12, 47, 12, 47)
    assert places_within([inside, outside], Box(5.9, 45.8, 10.6, 47.8)) == [inside]


def test_a_footprint_over_the_antimeridian_lies_on_both_sides_of_it() -> None:
    ring = [(179, 0), (-179, 0), (-179, 1), (179, 1)]
    found = footprint_in_degrees(shapely.Polygon(ring))
    assert found is not None
    assert shapely.area(found) == pytest.approx(2)
    assert shapely.contains(found, shapely.Point(179.5, 0.5))
    assert shapely.contains(found, shapely.Point(-179.5, 0.5))
    assert not shapely.contains(found, shapely.Point(0, 0.5))


def test_a_footprint_without_an_area_is_none() -> None:
    assert footprint_in_degrees(shapely.LineString([(0, 0), (1, 1)])) is None
