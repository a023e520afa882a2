"""What can be seen in a tile, and where: on a small ground whose metres are known."""

import pickle
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import shapely

import tag_vocab
from pipeline.manifest import TableFolder
from pipeline.part_ranges import write_ranges
from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.geo.tile import Box, tile_around
from skyscript.osm.bounds import with_bounds
from stages import tables
from stages.overlay import OVERLAY, OverlayConfig, overlay
from tests.stages.ground import GSD, LAT, LON, SIDE, area, at, line, point, thing
from tests.stages.vocabularies import AS_SHIPPED, vocab_with

FOCUS = thing("n1", point(0, 0), man_made="pier", name="Jetée")


def image(focus=FOCUS, gsd=GSD, part=3, **more):
    tile = tile_around(LON, LAT, SIDE, SIDE, gsd)
    return {
        "object_id": focus["object_id"],
        "filepath": f"images{part}/{focus['object_id']}_CH_19.jpg",
        "source": "CH",
        "scene_id": "CH/x",
        "gsd": gsd,
        "width": SIDE,
        "height": SIDE,
        **tile.box._asdict(),
        "acquired": datetime(2019, 7, 1, 10, 30, tzinfo=UTC),
        "status": "ok",
        **more,
    }


def focus_row(row):
    return {name: row[name] for name in tables.FOCUS.schema.names if name in row} | {
        "chosen_by": "all"
    }


@pytest.fixture
def metas(tmp_path):
    """Run the stage over images of focus objects among others; give its rows."""

    def run(
        others,
        images=None,
        focuses=(FOCUS,),
        config=None,
        vocab=AS_SHIPPED,
        bounds=(),
        shifts=(),
    ):
        images = [image()] if images is None else images
        objects = pa.Table.from_pylist([*focuses, *others], schema=tables.OBJECTS.schema)
        objects = with_bounds(objects, bounds)
        made = overlay(
            pa.Table.from_pylist(images, schema=tables.IMAGES.schema),
            pa.Table.from_pylist([focus_row(f) for f in focuses], schema=tables.FOCUS.schema),
            ds.dataset(objects),
            vocab,
            ds.dataset(pa.Table.from_pylist(list(shifts), schema=tables.SCENE_SHIFTS.schema)),
            config=config or OverlayConfig(),
            shard=Shard(0, tmp_path),
        )
        return conform(made, tables.META, where="overlay").to_pylist()

    return run


@pytest.fixture
def surrounding(metas):
    """Run the stage for one tile and give its neighbours."""

    def run(*others, **more):
        (row,) = metas(others, **more)
        assert row["status"] == "ok"
        return row["surrounding"]

    return run


def ids(neighbours):
    return [neighbour["object_id"] for neighbour in neighbours]


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
    coast = thing("w1", line((-60, 0), (60, 0)), natural="coastline")
    shown = [
        metas([pole, lake], images=[image(coast, gsd=gsd)], focuses=[coast])[0]["surrounding"]
        for gsd in (0.1, 1.0)
    ]
    assert [set(ids(neighbours)) for neighbours in shown] == [{"n2", "a3"}, {"a3"}]


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


def test_a_focus_that_cannot_be_seen_is_filtered_with_the_reason(metas, tmp_path):
    office = thing("n2", point(0, 0), name="Office")
    rows = metas([], images=[image(office)], focuses=[office])
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("filtered", "no tag that can be seen at the image's resolution"),
    ]
    assert rows[0]["filepath"] is rows[0]["metapath"] is rows[0]["west"] is None
    assert list(tmp_path.iterdir()) == []


def test_slack_lets_tags_in_that_are_somewhat_finer_than_the_image(surrounding):
    pole = thing("n2", point(5, 5), power="pole")
    coarse = image(gsd=0.5)
    assert surrounding(pole, images=[coarse]) == []
    slack = OverlayConfig(gsd_slack=2.5)
    assert ids(surrounding(pole, images=[coarse], config=slack)) == ["n2"]


def test_rows_that_are_not_ok_pass_in_their_order(metas):
    second = thing("n2", point(0, 0), man_made="pier")
    missing = {"object_id": "n2", "status": "failed", "reason": "timeout"}
    rows = metas([], images=[missing, image()], focuses=[FOCUS, second])
    assert [(row["object_id"], row["status"], row["reason"]) for row in rows] == [
        ("n2", "failed", "timeout"),
        ("n1", "ok", None),
    ]


def test_the_pickle_is_the_published_one_and_lies_beside_its_image(metas, tmp_path):
    house = thing("a2", area(10, 10, 20, 20), building="house")
    tree = thing("a3", area(20, 20, 30, 30), natural="wood")
    (row,) = metas([tree, house], images=[image(part=5)])
    assert row["metapath"] == "meta5/n1_CH_19.pickle"
    assert pickle.loads((tmp_path / row["metapath"]).read_bytes()) == {
        "box": tuple(row[side] for side in Box._fields),
        "time": (2019, 7, 1, 10, 30),
        "center_tags": {"man_made": "pier"},
        "surrounding_tags": [{"building": "house"}, {"natural": "wood"}],
    }


def test_the_result_does_not_depend_on_what_else_is_in_the_shard(metas, tmp_path):
    others = [thing(f"a{n}", area(n, n, n + 8, n + 8), building="house") for n in range(2, 40)]
    second = thing("n2", point(3, 3), man_made="pier")
    both = metas(others, images=[image(second), image()], focuses=[second, FOCUS])
    files = {path.name: path.read_bytes() for path in (tmp_path / "meta3").iterdir()}
    alone = metas([*reversed(others), second], images=[image()])
    assert both[1] == alone[0]
    assert (tmp_path / "meta3/n1_CH_19.pickle").read_bytes() == files["n1_CH_19.pickle"]


def test_a_tile_over_the_edge_of_the_extract_is_marked(metas):
    tile = Box.of(image())
    east = Box(LON, tile.south, tile.east, tile.north)
    west = Box(tile.west, tile.south, LON, tile.north)

    def complete(*bounds, **more):
        return [row["surroundings_complete"] for row in metas([], bounds=bounds, **more)]

    assert complete(tile) == [True]
    assert complete(east) == [False]
    assert complete(east, west) == [True]
    assert complete() == [None]
    assert complete(tile, images=[{"object_id": "n1", "status": "failed"}]) == [None]


def test_tiles_across_parts_see_both_sides(metas, tmp_path):
    """Objects of a run lie in parts, each a neighbourhood; a tile on the seam needs both."""
    sides = [
        [
            thing("n1", point(0, 0), man_made="pier"),
            thing("a2", area(-40, 0, -30, 9), building="yes"),
        ],
        [thing("a3", area(30, 0, 40, 9), building="yes")],
        [thing("a4", area(9000, 0, 9010, 9), building="yes")],
    ]
    folder = TableFolder(tmp_path, "objects", tables.OBJECTS.schema, tables.OBJECTS.ranges)
    for shard, things in enumerate(sides):
        folder.write(shard, pa.Table.from_pylist(things, schema=tables.OBJECTS.schema))
    files = [folder.part(shard) for shard in range(3)]
    write_ranges(folder.path, files, tables.OBJECTS.ranges)
    files[2].write_bytes(b"is not opened")
    objects = ds.dataset([str(file) for file in files], tables.OBJECTS.schema, format="parquet")
    made = overlay(
        pa.Table.from_pylist([image()], schema=tables.IMAGES.schema),
        pa.Table.from_pylist([focus_row(FOCUS)], schema=tables.FOCUS.schema),
        objects,
        AS_SHIPPED,
        ds.dataset(tables.SCENE_SHIFTS.schema.empty_table()),
        config=OverlayConfig(),
        shard=Shard(0, tmp_path),
    )
    assert ids(made["surrounding"][0].as_py()) == ["a2", "a3"]


def test_an_empty_shard_gives_an_empty_table(metas):
    assert metas([], images=[], focuses=[]) == []


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


def test_a_changed_vocabulary_changes_the_stages_identity():
    assert set(OVERLAY.external(OverlayConfig())) == {"tag_vocab"}


def test_the_run_s_own_vocabulary_decides_what_is_seen(metas):
    crater = thing("n2", point(9, 9), my__key="crater")
    tree = thing("n3", point(5, 5), natural="tree")
    mine = vocab_with(("my:key", "crater", 1.0), ("natural", "tree", None))
    (row,) = metas([crater, tree], vocab=mine)
    assert [dict(near["tags"]) for near in row["surrounding"]] == [{"my:key": "crater"}]


def test_metas_say_what_is_seen_in_today_s_spelling(metas, tmp_path):
    focus = thing("n1", point(0, 0), leisure="pitch", sport="tennis;chess", landuse="pond")
    (row,) = metas([], focuses=[focus])
    seen = dict(row["center_tags"])
    assert seen["sport"] == "tennis" and seen["natural"] == "water" and "landuse" not in seen
    published = pickle.loads((tmp_path / row["metapath"]).read_bytes())
    assert published["center_tags"] == seen


def test_the_focus_object_s_other_tags_are_kept_with_the_reason(metas):
    (row,) = metas([], focuses=[thing("n1", point(0, 0), man_made="pier", name="J", sport="chess")])
    left = dict(row["left_out"])
    assert left["name=J"] == "a name; nothing of it shows"
    assert set(left) == {"name=J", "sport=chess"}
    (unseen,) = metas([], images=[image(gsd=10)])
    assert unseen["status"] == "filtered"
    assert dict(unseen["left_out"])["man_made=pier"].startswith("visible up to ")


def test_the_box_of_a_scene_moves_against_the_shift_that_is_corrected(metas):
    # The map must move 30 m to the east and 20 m to the north to fit the image: what it has at
    # (-70, -60) is at (-40, -40) in the image.
    things = (
        thing("n2", point(-70, -60), natural="tree"),
        thing("n3", point(40, 40), natural="tree"),
    )
    shift = {
        **{"scene_id": "CH/x", "source": "CH", "images": 9, "sure_images": 9},
        **{"dx_m": 30.0, "dy_m": 20.0},
    }
    (told,) = metas(things, shifts=[shift | {"corrected": False}])
    (moved,) = metas(things, shifts=[shift | {"corrected": True}])
    assert ids(told["surrounding"]) == ["n3"]
    assert ids(moved["surrounding"]) == ["n2"]
    assert (told["west"], told["south"]) == pytest.approx(at(-50, -50))
    assert (moved["west"], moved["south"]) == pytest.approx(at(-80, -70), abs=1e-8)
    assert (moved["east"], moved["north"]) == pytest.approx(at(20, 30), abs=1e-8)
