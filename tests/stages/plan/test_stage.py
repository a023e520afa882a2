"""Which tile is planned for an object, and why some objects get none."""

from collections import Counter

import pytest
import shapely
from pydantic import ValidationError

from skyscript.geo.tile import Box, mercator_box, mercator_scale
from stages.plan import PlanConfig
from tests.skyscript.imagery.rasters import scenes_table
from tests.stages.plan.tiles import (
    AROUND,
    BUILDING,
    HERE,
    POLE,
    WORLD,
    area,
    offset,
    planned,
    point,
    reason,
    row,
)
from tests.stages.vocabularies import vocab_with


def test_a_points_tile_is_square_of_a_drawn_size_and_moderately_off() -> None:
    tiles = [tile["candidates"][0] for tile in planned([point(n) for n in range(500)])]
    sides = [tile["width"] for tile in tiles]
    assert all(tile["width"] == tile["height"] for tile in tiles)
    assert (min(sides), max(sides)) == pytest.approx((224, 512), abs=6)
    assert sum(sides) / 500 == pytest.approx(368, abs=15)
    offsets = [max(map(abs, offset(HERE, tile))) for tile in tiles]
    assert max(offsets) <= 0.25 + 1e-9
    assert max(offsets) > 0.24


def test_one_in_five_is_centred_exactly() -> None:
    tiles = planned([point(n) for n in range(1000)])
    centred = [tile["centred"] for tile in tiles]
    assert sum(centred) / 1000 == pytest.approx(0.2, abs=0.04)
    for tile, exact in zip(tiles, centred, strict=True):
        off = max(map(abs, offset(HERE, tile["candidates"][0])))
        assert (off < 1e-6) == exact


def test_a_tiles_pixel_is_the_scenes_gsd_on_the_ground() -> None:
    candidate = planned([point()])[0]["candidates"][0]
    box = mercator_box(Box(*(candidate[side] for side in Box._fields)))
    pixel = (box.east - box.west) / candidate["width"] / mercator_scale(HERE[1])
    assert pixel == pytest.approx(0.1, rel=1e-4)
    assert (box.north - box.south) / candidate["height"] == pytest.approx(
        (box.east - box.west) / candidate["width"]
    )


def test_a_line_is_shown_at_one_of_its_nodes() -> None:
    nodes = [(85.5, 27.6), (85.51, 27.61), (85.52, 27.6), (85.53, 27.61)]
    line = shapely.LineString(nodes)
    rows = [row(f"w{n}", line, {"highway": "residential"}) for n in range(400)]
    tiles = planned(rows, centred_share=1.0)
    seen = Counter(
        next(place for place in nodes if max(map(abs, offset(place, tile["candidates"][0]))) < 1e-6)
        for tile in tiles
    )
    assert set(seen) == set(nodes)
    assert min(seen.values()) > 60


def test_an_area_fills_its_tile_and_lies_whole_in_it() -> None:
    for number in range(200):
        given = area((40, 25), number)
        (tile,) = planned([given])
        candidate = tile["candidates"][0]
        box = Box(*(candidate[side] for side in Box._fields))
        inside = 1e-12
        assert box.west - inside <= given["west"] <= given["east"] <= box.east + inside
        assert box.south - inside <= given["south"] <= given["north"] <= box.north + inside
        if tile["centred"]:
            assert (candidate["width"], candidate["height"]) == pytest.approx((400, 250), abs=1)
        else:
            # Wider by what the shift asks for, at most twice.
            assert 400 <= candidate["width"] <= 801
            assert 250 <= candidate["height"] <= 501


def test_four_areas_in_five_are_off_the_centre() -> None:
    tiles = planned([area((40, 25), n) for n in range(500)])
    off = [max(map(abs, offset(HERE, tile["candidates"][0]))) for tile in tiles]
    assert sum(value > 0.02 for value in off) / 500 == pytest.approx(0.8, abs=0.06)
    assert max(off) <= 0.25 + 1e-6


def test_a_small_area_gets_the_least_tile_and_a_large_one_the_largest() -> None:
    (small,) = planned([area((3, 2))], centred_share=1.0)
    assert [(c["width"], c["height"]) for c in small["candidates"]] == [(100, 100)]
    for tile in planned([area((99.9, 99.9), n) for n in range(50)]):
        assert (tile["candidates"][0]["width"], tile["candidates"][0]["height"]) <= (1000, 1000)
        assert max(map(abs, offset(HERE, tile["candidates"][0]))) < 0.001


def test_a_large_area_falls_to_a_coarser_source() -> None:
    scenes = scenes_table(
        {"scene_id": "CH/a", "box": AROUND, "gsd": 0.1},
        {"scene_id": "US/a", "box": AROUND, "gsd": 0.6},
    )
    (tile,) = planned([area((300, 300))], scenes)
    assert [candidate["source"] for candidate in tile["candidates"]] == ["US"]
    assert reason(area((700, 700)), scenes) == "too large for every source that suits"


def test_a_source_suits_if_it_is_as_sharp_as_the_tags_need() -> None:
    scenes = scenes_table(
        {"scene_id": "CH/a", "box": AROUND, "gsd": 0.1},
        {"scene_id": "DE/a", "box": AROUND, "gsd": 0.2},
        {"scene_id": "US/a", "box": AROUND, "gsd": 0.6},
        {"scene_id": "S2/a", "box": AROUND, "gsd": 10.0},
    )
    for number in range(20):
        (tile,) = planned([point(number, **POLE)], scenes)
        assert {candidate["source"] for candidate in tile["candidates"]} == {"CH", "DE"}
    only_coarse = scenes_table({"scene_id": "S2/a", "box": AROUND, "gsd": 10.0})
    assert reason(point(**POLE), only_coarse) == "no source is sharp enough at this `gsd_slack`"


def test_slack_lets_imagery_between_the_steps_of_the_scale_in() -> None:
    scenes = scenes_table({"scene_id": "P5/a", "box": AROUND, "gsd": 2.5})
    road = row("w1", shapely.LineString([HERE, (85.53, 27.63)]), {"highway": "primary"})
    assert reason(road, scenes) == "no source is sharp enough at this `gsd_slack`"
    (tile,) = planned([road], scenes, gsd_slack=2.5)
    assert [candidate["scene_id"] for candidate in tile["candidates"]] == ["P5/a"]


def test_an_area_of_a_few_pixels_is_not_shown() -> None:
    scenes = scenes_table(
        {"scene_id": "US/a", "box": AROUND, "gsd": 1.0},
        {"scene_id": "S2/a", "box": AROUND, "gsd": 10.0},
    )
    (tile,) = planned([area((20, 10), natural="water")], scenes)
    assert [candidate["source"] for candidate in tile["candidates"]] == ["US"]
    (tile,) = planned([area((60, 10), natural="water")], scenes)
    assert {candidate["source"] for candidate in tile["candidates"]} == {"US", "S2"}
    assert reason(area((4, 4), natural="water"), scenes) == "too small for every source that suits"
    (tile,) = planned([area((4, 4), natural="water")], scenes, min_extent=3)
    assert [candidate["source"] for candidate in tile["candidates"]] == ["US"]


def test_an_object_without_a_tag_that_can_be_seen() -> None:
    assert reason(point(name="Ram", ref="12")) == "no tag that can be seen from above"


def test_an_object_that_is_hidden_from_above() -> None:
    road = row("w1", shapely.LineString([HERE, (85.53, 27.63)]), {"highway": "primary"})
    assert planned([road])[0]["status"] == "ok"
    tunnel = row(
        "w1", shapely.LineString([HERE, (85.53, 27.63)]), {"highway": "primary", "tunnel": "yes"}
    )
    assert reason(tunnel) == "under ground or under a roof"


def test_an_object_outside_of_all_images() -> None:
    assert reason(point(place=(10.0, 10.0))) == "not covered by any source"


def test_a_tile_that_reaches_beyond_the_image() -> None:
    at_edge = point(place=(85.00001, 27.5))
    assert reason(at_edge, centred_share=1.0) == "too near the edge of every source that suits"


def test_the_ends_of_the_grid() -> None:
    world = scenes_table({"scene_id": "SIM/a", "box": WORLD, "gsd": 0.1})
    assert reason(point(place=(10.0, 85.5)), world) == "beyond 85 degrees of latitude"
    assert reason(point(place=(10.0, -84.99999)), world, centred_share=1.0) == (
        "beyond 85 degrees of latitude"
    )
    assert reason(point(place=(179.99999, 5.0)), world, centred_share=1.0) == (
        "crosses the antimeridian"
    )
    across = row("a1", shapely.box(-180, -17, 180, -16.9), BUILDING)
    assert reason(across, world) == "crosses the antimeridian"


def test_sources_are_drawn_by_weight_and_scenes_within_evenly() -> None:
    scenes = scenes_table(
        {"scene_id": "CH/2019", "box": AROUND, "weight": 3.0},
        {"scene_id": "CH/2020", "box": AROUND, "weight": 3.0},
        {"scene_id": "ES/a", "box": AROUND, "weight": 1.0},
    )
    tiles = planned([point(n) for n in range(1500)], scenes)
    first = Counter(tile["candidates"][0]["scene_id"] for tile in tiles)
    assert first["ES/a"] / 1500 == pytest.approx(0.25, abs=0.04)
    assert first["CH/2019"] / 1500 == pytest.approx(0.375, abs=0.04)


def test_the_other_scenes_stay_as_fall_backs_the_drawn_source_first() -> None:
    names = [f"{alias}/{year}" for alias in ("CH", "ES") for year in range(2010, 2016)]
    scenes = scenes_table(*({"scene_id": name, "box": AROUND} for name in names))
    (tile,) = planned([point()], scenes)
    sources = [candidate["source"] for candidate in tile["candidates"]]
    assert len(sources) == 8
    assert sources == [sources[0]] * 6 + [sources[6]] * 2
    (shorter,) = planned([point()], scenes, max_candidates=2)
    assert shorter["candidates"] == tile["candidates"][:2]


def test_parts_are_two_to_seven_evenly_and_do_not_depend_on_the_seed() -> None:
    rows = [point(n) for n in range(1200)]
    parts = [tile["part"] for tile in planned(rows)]
    counts = Counter(parts)
    assert sorted(counts) == [2, 3, 4, 5, 6, 7]
    assert min(counts.values()) > 150
    assert [tile["part"] for tile in planned(rows, seed=7)] == parts


def test_a_tile_depends_on_its_object_alone_and_on_the_seed() -> None:
    rows = [point(n) for n in range(20)]
    together = planned(rows)
    assert [planned([given])[0] for given in rows] == together
    assert planned(rows, seed=1) != together


def test_a_config_whose_sides_do_not_fit_is_refused() -> None:
    with pytest.raises(ValidationError, match="min_side <= object_side <= max_side"):
        PlanConfig(object_side=(50, 512))


def test_a_tile_across_two_images_is_put_together_only_where_no_single_one_shows_it() -> None:
    lon = HERE[0]
    halves = [
        {"scene_id": "CH/west", "box": (85.0, 27.0, lon, 28.0), "gsd": 0.1},
        {"scene_id": "CH/east", "box": (lon, 27.0, 86.0, 28.0), "gsd": 0.1},
    ]
    tiles = planned([point(n) for n in range(20)], scenes_table(*map(dict, halves)))
    for tile in tiles:
        (candidate,) = tile["candidates"]
        assert {candidate["scene_id"], *candidate["others"]} == {"CH/west", "CH/east"}
        middle = (candidate["west"] + candidate["east"]) / 2
        if not tile["centred"]:  # else both have half of it
            assert candidate["scene_id"] == ("CH/west" if middle < lon else "CH/east")

    whole = [*halves, {"scene_id": "CH/whole", "box": AROUND}]
    for tile in planned([point(n) for n in range(20)], scenes_table(*whole)):
        assert [each["scene_id"] for each in tile["candidates"]] == ["CH/whole"]
        assert tile["candidates"][0]["others"] is None


def test_the_run_s_own_vocabulary_decides_what_is_sharp_enough() -> None:
    scenes = scenes_table({"scene_id": "CH/a", "box": AROUND, "gsd": 0.5})
    crater = point(**{"my:key": "crater"})
    assert reason(crater, scenes) == "no tag that can be seen from above"
    assert reason(crater, scenes, vocab=vocab_with(("my:key", "crater", 0.2))) == (
        "no source is sharp enough at this `gsd_slack`"
    )
    (tile,) = planned([crater], scenes, vocab=vocab_with(("my:key", "crater", 0.6)))
    assert tile["status"] == "ok"


HOSPITAL = {"amenity": "hospital"}


def test_a_tile_is_as_large_as_a_point_needs_that_stands_for_an_extent() -> None:
    scenes = scenes_table({"scene_id": "CH/a", "box": AROUND, "gsd": 0.2})
    tiles = [
        tile["candidates"][0]
        for tile in planned([point(n, **HOSPITAL) for n in range(100)], scenes, shift=0)
    ]
    drawn = [
        tile["candidates"][0]["width"]
        for tile in planned([point(n) for n in range(100)], scenes, shift=0)
    ]
    assert [tile["width"] for tile in tiles] == [max(side, 300) for side in drawn]  # 60 m


def test_a_point_gets_no_tile_where_every_side_shows_too_little_of_it() -> None:
    assert reason(point(**HOSPITAL)) == (
        "no tile with a side within `object_side` shows enough of it"
    )
