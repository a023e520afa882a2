"""What the stage says of each image: its tags, its pickle, its box, and why it has none."""

import pickle

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.manifest import TableFolder
from pipeline.part_ranges import write_ranges
from pipeline.stage import Shard
from skyscript.geo.tile import Box
from stages import tables
from stages.overlay import OVERLAY, OverlayConfig, overlay
from tests.stages.ground import LON, area, at, point, thing
from tests.stages.overlay.tiles import FOCUS, focus_row, ids, image
from tests.stages.vocabularies import AS_SHIPPED


def test_a_focus_that_cannot_be_seen_is_filtered_with_the_reason(metas, tmp_path):
    office = thing("n2", point(0, 0), name="Office")
    rows = metas([], images=[image(office)], focuses=[office])
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("filtered", "no tag that can be seen at the image's resolution"),
    ]
    assert rows[0]["filepath"] is rows[0]["metapath"] is rows[0]["west"] is None
    assert list(tmp_path.iterdir()) == []


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


def test_a_changed_vocabulary_changes_the_stages_identity():
    assert set(OVERLAY.external(OverlayConfig())) == {"tag_vocab"}


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


def test_a_tag_of_the_focus_that_needs_a_larger_tile_is_left_out_with_the_reason(metas):
    node = thing("n1", point(0, 0), amenity="hospital", man_made="chimney")
    (row,) = metas([], images=[image(node, gsd=0.1)], focuses=[node])
    assert dict(row["center_tags"]) == {"man_made": "chimney"}
    (reason,) = [why for tag, why in row["left_out"] if tag == "amenity=hospital"]
    assert reason == "needs a tile of 60 m, and this one has 20 m"


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
