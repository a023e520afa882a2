"""Statements are true of the map, by a checker that knows only their definitions."""

from collections import Counter
from datetime import UTC, datetime
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
COURT = {"leisure": "pitch", "sport": "tennis", "surface": "clay"}
OBJECTS = {  # tags, and the box in pixels: left, top, right, bottom
    "a1": ({"leisure": "park"}, (0, 0, 100, 200)),
    "a2": (COURT, (10, 10, 30, 40)),
    "a3": (COURT, (40, 10, 60, 40)),
    "a4": ({"building": "church"}, (101, 150, 130, 180)),
    "a5": ({"amenity": "parking"}, (131, 150, 160, 180)),
    "a6": ({"landuse": "forest"}, (150, -50, 400, 100)),
    "n7": ({"natural": "tree"}, (20, 100, 20, 100)),
    "w8": ({"highway": "residential"}, (140, 120, 200, 120)),
    "w9": ({"waterway": "stream"}, (180, 110, 180, 190)),
    "a10": ({"building": "house", "roof:shape": "gabled"}, (110, 120, 120, 130)),
    "a11": ({"building": "house", "roof:shape": "gabled"}, (110, 136, 130, 148)),
    "a12": ({"leisure": "playground"}, (160, 20, 180, 40)),
    "a13": ({"surface": "asphalt"}, (5, 185, 15, 195)),  # an attribute of no thing
}


def wkb(left, top, right, bottom):
    """Give a box of pixels as WKB in degrees; without size it is a point,
    without width or height a line."""
    across = (TILE.box.east - TILE.box.west) / WIDTH
    down = (TILE.box.north - TILE.box.south) / HEIGHT
    west, east = TILE.box.west + left * across, TILE.box.west + right * across
    north, south = TILE.box.north - top * down, TILE.box.north - bottom * down
    if (left, top) == (right, bottom):
        return shapely.to_wkb(shapely.Point(west, north))
    if left == right or top == bottom:
        return shapely.to_wkb(shapely.LineString([(west, north), (east, south)]))
    return shapely.to_wkb(shapely.box(west, south, east, north))


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
TAKEN = datetime(2022, 7, 1, 10, 30, tzinfo=UTC)
IMAGE = {
    "object_id": "a1",
    "width": WIDTH,
    "height": HEIGHT,
    "acquired": TAKEN,
    "time_precision": "minute",
    "status": "ok",
}
META["acquired"] = TAKEN


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


TRUTH = [
    {"truth_id": f"a1/{name}", "object_id": "a1", "filepath": META["filepath"], "concept": name}
    | {"verdict": verdict, "objects": 0, "share": 0.0}
    for name, verdict in {"roundabout": "no", "stadium": "unknown", "church": "yes"}.items()
]


def table_of(rows, table):
    return pa.Table.from_pylist(rows, schema=table.schema)


def made(objects, kinds=tuple(KINDS), meta=META, image=IMAGE, truth=TRUTH, **config):
    config = StatementsConfig(kinds=kinds, **{"per_kind": 100} | config)
    both = [table_of([meta], tables.META), table_of([image], tables.IMAGES)]
    known = truth and table_of(truth, tables.TRUTH)
    shard = Shard(0, Path("unused"))
    table = statements(*both, objects, config=config, shard=shard, truth=known)
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
distance(church, forest) = 50
crosses(residential street, stream)
attribute(tennis court, clay surface)
only(church)
westernmost(tennis court)
largest(house)
present(stream)
more(tennis court, church) = yes
more(church, tennis court) = no
gsd(image) = 1
season(image) = summer
date(image) = 2022-07
"""


@pytest.mark.slow
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

FALSE += [
    ("distance(church, forest) = 50", "distance(church, forest) = 150", "50", "150"),
    (
        "crosses(residential street, stream)",
        "crosses(stream, forest)",
        "residential street",
        "forest",
    ),
    ("largest(house)", "largest(tree)", "house", "tree"),
    ("westernmost(tennis court)", "easternmost(tennis court)", "westernmost", "easternmost"),
    ("only(church)", "only(tennis court)", "church", "tennis court"),
    ("gsd(image) = 1", "gsd(image) = 2", "1", "2"),
    ("season(image) = summer", "season(image) = winter", "summer", "winter"),
    ("date(image) = 2022-07", "date(image) = 2022-08", "july", "august"),
    (
        "attribute(house, gabled roof)",
        "attribute(house, clay surface)",
        "gabled roof",
        "clay surface",
    ),
]


@pytest.mark.parametrize(("claim", "false", "old", "new"), FALSE)
def test_the_checker_finds_what_is_false(claim, false, old, new, objects):
    row = next(row for row in made(objects) if (row["claim"], row["answer"]) == (claim, None))
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
    assert max(Counter(row["kind"] for row in few).values()) == 2
    assert {row["kind"] for row in few} == set(KINDS)
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


def test_no_season_is_said_of_a_year_and_none_in_the_tropics(objects):
    of_a_year = made(objects, ("season", "date"), image=IMAGE | {"time_precision": "year"})
    assert [row["claim"] for row in of_a_year] == ["date(image) = 2022"]
    assert made(objects, ("season", "date"), image=IMAGE | {"time_precision": "range"}) == []


def test_only_what_truth_says_is_absent_is_said_to_be(objects):
    kinds = ("ask_absence", "not_present")
    rows = made(objects, kinds)
    assert {row["claim"] for row in rows} == {"present(roundabout)"}
    assert {row["answer"] for row in rows if row["role"] == "question"} == {"No."}
    assert made(objects, kinds, truth=None) == []
