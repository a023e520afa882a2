"""What can be seen in a tile, and where: on a small ground whose metres are known."""

import numpy as np
import pytest
import shapely

import tag_vocab
from skyscript.geo.tile import tile_around
from stages.overlay import OverlayConfig
from tests.stages.ground import GSD, LAT, LON, SIDE, area, at, line, point, thing
from tests.stages.overlay.tiles import ids, image
from tests.stages.vocabularies import vocab_with


def test_share_and_distance_are_those_on_the_ground(surrounding):
    (house,) = surrounding(thing("a2", area(15, -5, 25, 5), building="house"))
    assert house["share"] == pytest.approx(0.01, abs=1e-5)
    assert house["distance"] == pytest.approx(15, abs=0.02)
    (wood,) = surrounding(thing("r3", area(-500, -500, 500, 500), landuse="forest"))
    assert wood["share"] == pytest.approx(1, rel=1e-9)
    assert wood["distance"] == 0


def test_what_lies_outside_the_tile_counts_for_nothing(surrounding):
    (field,) = surrounding(thing("a2", area(25, -500, 900, 500), landuse="farmland"))
    assert field["share"] == pytest.approx(0.25, abs=1e-4)
    bent = line((-100, 40), (100, 40))
    (road,) = surrounding(thing("w3", bent, highway="primary"))
    assert (road["share"], road["distance"]) == (0.0, pytest.approx(40, abs=0.02))
    around_the_corner = line((-10, 60), (60, 60), (60, -10))
    assert surrounding(thing("w4", around_the_corner, highway="primary")) == []


def test_the_nearest_comes_first(surrounding):
    near = thing("w9", line((-60, 10), (60, 10)), highway="primary")
    wide = thing("a2", area(-500, -500, 500, 500), landuse="forest")
    nested = thing("a3", area(-20, -20, 20, 20), landuse="quarry")
    far = thing("w4", line((-60, -30), (60, -30)), highway="secondary")
    assert ids(surrounding(far, wide, near, nested)) == ["a3", "a2", "w9", "w4"]


def test_equally_near_neighbours_come_by_kind_and_number(surrounding):
    road = line((-60, 10), (60, 10))
    twins = [thing(name, road, highway="primary") for name in ("w10", "w9", "w100")]
    assert ids(surrounding(*twins)) == ["w9", "w10", "w100"]


def test_what_shows_too_few_pixels_is_left_out(surrounding):
    small = thing("a2", area(10, 10, 11.9, 11.9), building="house")  # 14 square pixels
    large = thing("a3", area(20, 10, 22.1, 12.1), building="house")  # 18
    edge = thing("a4", area(49.9, -3, 80, 3), building="house")  # 0.2 pixels wide in the tile
    short = thing("w5", line((46.5, 20), (90, 20)), highway="primary")  # 7 pixels
    long = thing("w6", line((45.5, 30), (90, 30)), highway="primary")  # 9
    everything = (small, large, edge, short, long)
    assert ids(surrounding(*everything)) == ["a3", "w6"]
    finer = OverlayConfig(min_area=14, min_length=6)
    assert ids(surrounding(*everything, config=finer)) == ["a2", "a3", "w5", "w6"]


def test_points_count_where_they_lie_in_the_tile(surrounding, metas):
    inside, outside = point(20, 0), point(60, 0)
    tree = {"natural": "tree"}
    gsd = tag_vocab.SHIPPED.max_gsd(tree)
    rows = metas(
        [thing("n2", inside, **tree), thing("n3", outside, **tree)],
        images=[image(gsd=gsd, **tile_around(LON, LAT, SIDE, SIDE, GSD).box._asdict())],
        focuses=[thing("n1", point(0, 0), building="yes")],
    )
    assert ids(rows[0]["surrounding"]) == ["n2"]


def test_only_tags_that_can_be_seen_at_the_gsd_are_kept(metas):
    house = thing("a2", area(10, 10, 20, 20), building="house", name="Chez nous", source="x")
    nameless = thing("a3", area(-20, -20, -10, -10), name="Nowhere")
    (row,) = metas([house, nameless])
    assert row["center_tags"] == [("man_made", "pier")]
    (neighbour,) = row["surrounding"]
    assert neighbour["tags"] == [("building", "house")]


def test_coarser_images_show_fewer_tags(metas):
    pole = thing("n2", point(5, 5), power="pole")
    lake = thing("a3", area(-40, -40, 40, 40), natural="water")
    road = thing("w1", line((-60, 0), (60, 0)), highway="primary")
    shown = [
        metas([pole, lake], images=[image(road, gsd=gsd)], focuses=[road])[0]["surrounding"]
        for gsd in (0.1, 1.0)
    ]
    assert [set(ids(neighbours)) for neighbours in shown] == [{"n2", "a3"}, {"a3"}]


def test_a_tile_must_show_enough_of_a_thing_whose_extent_is_not_known(surrounding):
    node = thing("n2", point(5, 5), amenity="hospital")
    river = thing("w3", line((-60, 9), (60, 9)), waterway="river", surface="mud")
    whole = thing("a4", area(-40, -40, 40, 40), amenity="hospital")
    shed = thing("n5", point(3, 3), building="shed")
    tiles = {gsd: image(gsd=gsd) for gsd in (0.1, 0.6)}  # 20 m and 120 m
    shown = {
        gsd: set(ids(surrounding(node, river, whole, shed, images=[tile])))
        for gsd, tile in tiles.items()
    }
    assert shown == {0.1: {"a4", "n5"}, 0.6: {"n2", "w3", "a4", "n5"}}


def test_the_focus_and_its_own_way_are_no_neighbours(surrounding):
    focus = thing("a7", area(-10, -10, 10, 10), leisure="track")
    twin = thing("w7", line((-10, -10), (10, -10), (10, 10), (-10, -10)), leisure="track")
    node = thing("r7", area(20, 20, 30, 30), building="yes")
    assert ids(surrounding(twin, node, images=[image(focus)], focuses=[focus])) == ["r7"]


def test_neighbours_under_ground_are_left_out(surrounding):
    road = line((-60, 10), (60, 10))
    tunnel = thing("w2", road, highway="primary", tunnel="yes")
    open_road = thing("w3", road, highway="primary", tunnel="no")
    garage = thing("a4", area(10, 10, 30, 30), amenity="parking", parking="underground")
    assert ids(surrounding(tunnel, open_road, garage)) == ["w3"]


def test_slack_lets_tags_in_that_are_somewhat_finer_than_the_image(surrounding):
    pole = thing("n2", point(5, 5), power="pole")
    coarse = image(gsd=0.5)
    assert surrounding(pole, images=[coarse]) == []
    slack = OverlayConfig(gsd_slack=2.5)
    assert ids(surrounding(pole, images=[coarse], config=slack)) == ["n2"]


def test_shares_and_distances_agree_with_exact_intersections(surrounding):
    draw = np.random.default_rng(0)
    frame = shapely.box(-50, -50, 50, 50)
    shapes, things = {}, []
    for number in range(2, 200):
        angles = np.sort(draw.uniform(0, 2 * np.pi, 9))
        ring = draw.uniform(5, 40, 9)[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
        ring += draw.uniform(-60, 60, 2)
        shape = shapely.Polygon(ring)
        if not shape.is_valid:
            continue
        shapes[f"a{number}"] = shape.intersection(frame)
        things.append(thing(f"a{number}", shapely.Polygon([at(*p) for p in ring]), building="yes"))
    found = surrounding(*things)
    assert len(found) > 100
    assert set(ids(found)) == {name for name, part in shapes.items() if part.area * 4 >= 16}
    for neighbour in found:
        part = shapes[neighbour["object_id"]]
        assert neighbour["share"] == pytest.approx(part.area / 10_000, abs=2e-5)
        assert neighbour["distance"] == pytest.approx(part.distance(shapely.Point(0, 0)), abs=0.02)


def test_the_run_s_own_vocabulary_decides_what_is_seen(metas):
    crater = thing("n2", point(9, 9), my__key="crater")
    tree = thing("n3", point(5, 5), natural="tree")
    mine = vocab_with(("my:key", "crater", 1.0), ("natural", "tree", None))
    (row,) = metas([crater, tree], vocab=mine)
    assert [dict(near["tags"]) for near in row["surrounding"]] == [{"my:key": "crater"}]
