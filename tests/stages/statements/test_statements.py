"""Statements are true of the map, by a checker that knows only their definitions."""

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import shapely

from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.geo.tile import tile_around
from stages import tables
from stages.statements import STATEMENTS, StatementsConfig, statements
from stages.statements.kinds import KINDS
from tests.stages.statements.independent import Image, is_true

WIDTH = HEIGHT = 200
TILE = tile_around(9.5, 47.1, WIDTH, HEIGHT, 1.0)
COURT = {"leisure": "pitch", "sport": "tennis"}
OBJECTS = {  # tags, and the box in pixels: left, top, right, bottom
    "a1": ({"leisure": "park"}, (0, 0, 100, 200)),
    "a2": (COURT, (10, 10, 30, 40)),
    "a3": (COURT, (40, 10, 60, 40)),
    "a4": ({"building": "church"}, (101, 150, 130, 180)),
    "a5": ({"amenity": "parking"}, (131, 150, 160, 180)),
    "a6": ({"landuse": "forest"}, (150, -50, 400, 100)),
    "n7": ({"natural": "tree"}, (20, 100, 20, 100)),
}


def wkb(left, top, right, bottom):
    """Give a box of pixels as WKB in degrees; a box without size is a point."""
    across = (TILE.box.east - TILE.box.west) / WIDTH
    down = (TILE.box.north - TILE.box.south) / HEIGHT
    west, east = TILE.box.west + left * across, TILE.box.west + right * across
    north, south = TILE.box.north - top * down, TILE.box.north - bottom * down
    shape = shapely.Point(west, north) if left == right else shapely.box(west, south, east, north)
    return shapely.to_wkb(shape)


GEOMETRIES = {name: wkb(*box) for name, (_, box) in OBJECTS.items()}
META = {
    "object_id": "a1",
    "filepath": "images2/a1_SIM_24.jpg",
    **TILE.box._asdict(),
    "center_tags": list(OBJECTS["a1"][0].items()),
    "surrounding": [
        {"object_id": name, "tags": list(tags.items()), "share": 0.1, "distance": 1.0}
        for name, (tags, _) in OBJECTS.items()
        if name != "a1"
    ],
    "surroundings_complete": True,
    "status": "ok",
}
IMAGE = {"object_id": "a1", "width": WIDTH, "height": HEIGHT, "status": "ok"}


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    rows = []
    for name, (tags, _) in OBJECTS.items():
        west, south, east, north = shapely.from_wkb(GEOMETRIES[name]).bounds
        sides = {"west": west, "south": south, "east": east, "north": north}
        ids = {"object_id": name, "kind": name[0], "osm_id": int(name[1:])}
        rest = {"geometry": GEOMETRIES[name], "tags": list(tags.items()), "status": "ok"}
        rows.append(ids | sides | rest | {"geom_rule": "test"})
    path = tmp_path_factory.mktemp("objects")
    table = pa.Table.from_pylist(rows, schema=tables.OBJECTS.schema)
    ds.write_dataset(table, path, format="parquet")
    return ds.dataset(path)


def made(objects, kinds=tuple(KINDS), meta=META, image=IMAGE, **config):
    config = StatementsConfig(kinds=kinds, **{"per_kind": 100} | config)
    both = [
        pa.Table.from_pylist([row], schema=table.schema)
        for row, table in ((meta, tables.META), (image, tables.IMAGES))
    ]
    table = statements(*both, objects, config=config, shard=Shard(0, Path("unused")))
    return conform(table, tables.STATEMENTS, where="statements").to_pylist()


EXPECTED = """
count(tennis court) = 2
count(park) = 1
count(church) = 1
count(tree) = 1
cover(park) = 50
direction(church, tennis court) = southeast
direction(tree, tennis court) = south
inside(tennis court, park)
inside(tree, park)
beside(church, car park)
region(tennis court) = [50, 50, 150, 200]
region(forest) = [750, 0, 1000, 500]
"""


@pytest.mark.parametrize("claim", EXPECTED.split("\n")[1:-1])
def test_what_the_map_shows_is_stated(claim, objects):
    claims = {row["claim"] for row in made(objects)}
    assert claim in claims


def test_every_statement_is_true_and_says_what_it_rests_on(objects):
    rows = made(objects)
    image = Image(META, IMAGE, GEOMETRIES)
    assert len(rows) > 30
    assert {row["kind"] for row in rows} == set(KINDS)
    assert [row["claim"] for row in rows if not is_true(row, image)] == []
    for row in rows:
        assert set(row["rests_on"]) <= set(OBJECTS)
        assert shapely.from_wkb(row["geometry"]).bounds == pytest.approx(row["box"])


FALSE = [
    ("count(tennis court) = 2", "count(tennis court) = 3", "two", "three"),
    ("count(tennis court) = 2", "count(tennis court) = 2", "two", "three"),
    ("cover(park) = 50", "cover(park) = 60", "50", "60"),
    ("inside(tennis court, park)", "inside(park, tennis court)", "park", "park"),
    ("beside(church, car park)", "beside(church, forest)", "car park", "forest"),
    (
        "direction(tree, tennis court) = south",
        "direction(tree, tennis court) = north",
        "south",
        "north",
    ),
    (
        "region(forest) = [750, 0, 1000, 500]",
        "region(park) = [750, 0, 1000, 500]",
        "forest",
        "park",
    ),
]


@pytest.mark.parametrize(("claim", "false", "old", "new"), FALSE)
def test_the_checker_finds_what_is_false(claim, false, old, new, objects):
    row = next(row for row in made(objects) if row["claim"] == claim)
    image = Image(META, IMAGE, GEOMETRIES)
    text = row["text"].casefold().replace(old, new)
    assert is_true(row, image)
    assert not is_true(row | {"claim": false, "text": text}, image)


def test_nothing_is_counted_where_objects_may_be_missing(objects):
    assert made(objects, ("count",), META | {"surroundings_complete": False}) == []


def test_an_image_on_a_native_grid_gets_no_statement(objects):
    assert made(objects, image=IMAGE | {"crs": "EPSG:2056"}) == []


def test_at_most_so_many_of_a_kind_are_made_and_a_seed_draws_them(objects):
    few = made(objects, per_kind=2)
    assert len(few) == 2 * len(KINDS)
    assert made(objects, per_kind=2) == few
    others = made(objects, per_kind=2, seed=1)
    assert {row["text"] for row in others} != {row["text"] for row in few}


def test_a_claim_is_said_in_several_ways(objects):
    texts = {
        row["text"]
        for seed in range(20)
        for row in made(objects, ("count",), seed=seed)
        if row["claim"] == "count(tennis court) = 2"
    }
    assert texts == {
        "There are two tennis courts.",
        "Two tennis courts are visible.",
        "The image shows two tennis courts.",
    }


def test_no_statements_are_made_unless_the_config_asks_for_some():
    assert "set statements.kinds" in STATEMENTS.disabled(StatementsConfig())
    assert STATEMENTS.disabled(StatementsConfig(kinds=("count",))) is None
