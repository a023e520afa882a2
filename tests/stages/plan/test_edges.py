"""Near the edge of the images, a tile is chosen among those that they cover."""

import pytest
import shapely

from skyscript.geo.tile import mercator_scale, to_degrees, to_mercator
from tests.skyscript.imagery.rasters import scenes_table
from tests.stages.plan.tiles import BUILDING, HERE, offset, planned, point, reason, row

SIDE = 300


def image_from(pixels_west: float, pixels_south: float = 5000, name: str = "CH/a"):
    """An image at 0.1 m whose edges lie so many pixels west and south of the place."""
    x, y = to_mercator(*HERE)
    pixel = 0.1 * mercator_scale(HERE[1])
    west, south = to_degrees(x - pixels_west * pixel, y - pixels_south * pixel)
    return {"scene_id": name, "box": (west, south, 86.0, 28.0), "gsd": 0.1}


def shifts(tiles):
    return [offset(HERE, tile["candidates"][0]) for tile in tiles]


def test_where_the_image_covers_every_placement_the_draw_is_that_of_the_inland() -> None:
    rows = [point(n) for n in range(50)]
    at_edge = planned(rows, scenes_table(image_from(230)), object_side=(SIDE, SIDE))
    assert at_edge == planned(rows, object_side=(SIDE, SIDE))


def test_shifts_are_uniform_among_those_that_the_image_covers() -> None:
    scenes = scenes_table(image_from(100))  # the tile's centre must lie 50 to 75 pixels east
    tiles = planned([point(n) for n in range(400)], scenes, object_side=(SIDE, SIDE))
    assert {tile["status"] for tile in tiles} == {"ok"}
    assert not any(tile["centred"] for tile in tiles)
    east, north = zip(*shifts(tiles), strict=True)
    assert min(-each for each in east) >= 49.5 / SIDE  # a thousandth of a tile may be empty
    assert max(-each for each in east) <= 75 / SIDE + 1e-6
    assert sum(-each for each in east) / 400 == pytest.approx(62.5 / SIDE, abs=0.005)
    assert sum(north) / 400 == pytest.approx(0, abs=0.03)
    assert max(map(abs, north)) > 0.24


@pytest.mark.slow
def test_the_share_of_centred_tiles_stays_where_they_are_covered() -> None:
    scenes = scenes_table(image_from(151))
    tiles = planned([point(n) for n in range(600)], scenes, object_side=(SIDE, SIDE))
    assert {tile["status"] for tile in tiles} == {"ok"}
    assert sum(tile["centred"] for tile in tiles) / 600 == pytest.approx(0.2, abs=0.04)


def test_a_smaller_tile_is_taken_where_only_that_fits() -> None:
    in_the_corner = scenes_table(image_from(60, 60))
    assert reason(point(), in_the_corner, object_side=(SIDE, SIDE)) == (
        "too near the edge of every source that suits"
    )
    for tile in planned([point(n) for n in range(40)], in_the_corner):
        assert tile["candidates"][0]["width"] < 240
        assert all(-each > 0.2 for each in offset(HERE, tile["candidates"][0]))


def test_what_is_to_be_centred_always_is_never_shifted() -> None:
    assert reason(point(), scenes_table(image_from(60)), centred_share=1.0) == (
        "too near the edge of every source that suits"
    )


def test_a_line_is_shown_at_a_node_that_an_image_shows() -> None:
    nodes = [(80.0 + n / 10, 27.6) for n in range(50)] + [HERE]
    road = row("w1", shapely.LineString(nodes), {"highway": "residential"})
    for seed in range(5):
        (tile,) = planned([road], scenes_table(image_from(500)), seed=seed)
        assert max(map(abs, offset(HERE, tile["candidates"][0]))) <= 0.25 + 1e-9
    far = row("w1", shapely.LineString(nodes[:50]), {"highway": "residential"})
    assert reason(far, scenes_table(image_from(500))) == "not covered by any source"


def test_an_area_at_the_edge_lies_at_the_edge_of_its_tile() -> None:
    x, y = to_mercator(*HERE)
    scale = mercator_scale(HERE[1])
    corner = to_degrees(x + 40 * scale, y + 25 * scale)
    house = [row(f"a{n}", shapely.box(*HERE, *corner), BUILDING) for n in range(30)]
    for tile in planned(house, scenes_table(image_from(1, 1))):
        candidate = tile["candidates"][0]
        assert candidate["west"] == pytest.approx(HERE[0], abs=1e-5)
        assert candidate["south"] == pytest.approx(HERE[1], abs=1e-5)
    cut = scenes_table(image_from(-1, 5000))
    assert reason(house[0], cut) == "too near the edge of every source that suits"


def test_a_placement_that_two_images_fill_together_counts_as_covered() -> None:
    west, south, east, north = image_from(100)["box"]
    halves = [
        {"scene_id": "CH/south", "box": (west, south, east, HERE[1]), "gsd": 0.1},
        {"scene_id": "CH/north", "box": (west, HERE[1], east, north), "gsd": 0.1},
    ]
    for tile in planned([point(n) for n in range(20)], scenes_table(*halves), centred_share=0.0):
        assert tile["status"] == "ok"
