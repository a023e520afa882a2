"""What an image shows, does not show, and what nobody can tell, on a ground of 100 m."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.geo.tile import tile_around
from stages import tables
from stages.density import DensityConfig, density
from stages.truth import TruthConfig, truth
from tag_vocab import SHIPPED
from tests.stages.ground import GSD, LAT, LON, SIDE, area, line, point, thing

TILE = tile_around(LON, LAT, SIDE, SIDE, GSD)
SEEN = datetime(2024, 7, 15, tzinfo=UTC)
HOUSE = thing("a1", area(-10, -10, 10, 10), building="house")
FIELDS = thing("a2", area(-60, -60, 60, 60), landuse="farmland")
COURTS = [  # 200 m to the north: the map knows tennis courts here
    thing(
        f"a{number}", area(20 * number, 200, 20 * number + 12, 230), leisure="pitch", sport="tennis"
    )
    for number in range(10, 14)
]
VOCAB = pa.table({name: [] for name in tables.VOCAB.schema.names}, schema=tables.VOCAB.schema)


def parts(*rows):
    edited = {"osm_version": 2, "changed": SEEN}
    return pa.Table.from_pylist([edited | row for row in rows], schema=tables.OBJECTS.schema)


def judged(*things, **options):
    """Give the verdict and the reason by concept for the tile, whose focus is the house."""
    return {row["concept"]: (row["verdict"], row["reason"]) for row in rows_of(*things, **options)}


def rows_of(*things, gsd=GSD, match=0.5, complete=True, seen=SEEN, crs=None, **config):
    objects, vocab = parts(HOUSE, *things), ds.dataset(VOCAB)
    shard = Shard(0, Path("unused"))
    counted = density(objects, vocab, config=DensityConfig(cell=0.05), shard=shard)
    conform(counted, tables.DENSITY, where="density")
    visible = {
        row["object_id"]: list(SHIPPED.visible(dict(row["tags"]), gsd).items())
        for row in (HOUSE, *things)
    }
    around = [
        {"object_id": name, "tags": tags, "share": 0.1, "distance": 1.0}
        for name, tags in visible.items()
        if tags and name != "a1"
    ]
    meta = {
        "object_id": "a1",
        "filepath": "images2/a1_SIM_24.jpg",
        **TILE.box._asdict(),
        "acquired": seen,
        "center_tags": visible["a1"],
        "surrounding": around,
        "surroundings_complete": complete,
        "status": "ok",
    }
    image = {"object_id": "a1", "width": SIDE, "height": SIDE, "crs": crs, "status": "ok"}
    rows = (meta, tables.META), (image, tables.IMAGES), ({**image, "match": match}, tables.MATCH)
    given = [
        pa.Table.from_pylist([{k: row[k] for k in table.schema.names if k in row}], table.schema)
        for row, table in rows
    ]
    made = truth(
        *given,
        *map(ds.dataset, (objects, VOCAB, counted)),
        config=TruthConfig(**config),
        shard=shard,
    )
    return conform(made, tables.TRUTH, where="truth").to_pylist()


def verdict(concept, *things, **options):
    return judged(*things, **options).get(concept, ("unknown", None))[0]


def reason(concept, *things, **options):
    return judged(*things, **options)[concept][1]


def test_an_object_in_the_image_is_there_with_all_that_it_is_a_kind_of():
    found = judged()
    assert [found[name] for name in ("house", "residential building", "building")] == [
        ("yes", None)
    ] * 3


def test_what_the_image_is_taken_for_is_marked():
    church = thing("a3", area(20, 20, 40, 40), building="church")
    assert [row["concept"] for row in rows_of(church) if row["focus"]] == ["house"]


def test_what_the_map_has_around_and_not_here_is_absent():
    assert verdict("tennis court", *COURTS, FIELDS) == "no"


def test_what_the_map_has_nowhere_around_is_unknown():
    assert "tennis court" not in judged()


@pytest.mark.parametrize(
    ("why", "options"),
    [
        ("the image is not wholly within the extract", {"complete": False}),
        ("the map does not lie on the image", {"match": 0.02}),
        (
            "the map was last changed long before the image was taken",
            {"seen": datetime(2034, 1, 1, tzinfo=UTC)},
        ),
    ],
)
def test_doubt_about_the_image_leaves_absence_unknown(why, options):
    assert reason("tennis court", *COURTS, FIELDS, **options) == why


def test_an_image_that_the_map_does_not_fit_shows_nothing_for_sure():
    assert verdict("house", match=0.02) == "unknown"
    assert verdict("house", match=None) == "yes"


def test_areas_of_the_ground_are_absent_only_where_the_ground_is_drawn():
    assert reason("tennis court", *COURTS) == "the map leaves much of the ground bare"
    assert verdict("tennis court", *COURTS, min_covered=0.0) == "no"


def test_a_less_specific_object_may_be_one():
    pitch = thing("a3", area(20, 20, 40, 40), leisure="pitch")
    assert reason("tennis court", *COURTS, FIELDS, pitch) == "an object there may be one"


def test_a_ditch_leaves_it_open_whether_there_is_water():
    ponds = [
        thing(f"a{number}", area(20 * number, 200, 20 * number + 12, 230), natural="water")
        for number in range(10, 14)
    ]
    ditch = thing("w3", line((-40, 30), (40, 30)), waterway="ditch")
    assert verdict("water", *ponds, FIELDS) == "no"
    assert verdict("watercourse", *ponds, FIELDS, ditch) == "yes"
    assert reason("water", *ponds, FIELDS, ditch) == "an object there may be one"


def test_an_object_beside_the_image_leaves_it_unknown():
    beside = thing("a3", area(55, 0, 70, 30), leisure="pitch", sport="tennis")
    said = "only at the image's edge, or beside it"
    assert reason("tennis court", *COURTS, FIELDS, beside) == said
    assert verdict("tennis court", *COURTS, FIELDS, beside, margin=2.0) == "no"


def test_what_is_hidden_is_neither_there_nor_absent():
    below = thing("w3", line((-40, 30), (40, 30)), highway="residential", tunnel="yes")
    assert verdict("street", below) == verdict("road", below) == "unknown"
    assert reason("road", below) == "under ground or under a roof"


def test_what_is_too_fine_for_the_image_is_unknown():
    bench = thing("n3", point(20, 20), leisure="picnic_table")
    assert verdict("picnic table", bench, gsd=0.1) == "yes"
    assert verdict("picnic table", bench, gsd=10.0) == "unknown"


def test_most_of_an_object_must_be_in_the_image():
    def pitch(west):
        return thing("a3", area(west, 0, west + 40, 20), leisure="pitch", sport="soccer")

    assert verdict("sports pitch", pitch(25)) == "yes"
    assert reason("sports pitch", pitch(46)) == "too little of it is in the image"


def test_a_path_under_trees_is_unknown():
    forest = thing("a3", area(-50, 15, 50, 50), landuse="forest")
    path = thing("w4", line((-45, 30), (45, 30)), highway="path")
    beside = thing("w4", line((-45, -30), (45, -30)), highway="path")
    assert reason("path", forest, path, gsd=0.2) == "under trees"
    assert verdict("path", forest, beside, gsd=0.2) == "yes"


def test_a_tree_is_never_called_absent_nor_vegetation():
    tree = thing("n30", point(0, 200), natural="tree")
    found = judged(tree, FIELDS)
    assert "tree" not in found
    assert "vegetation" not in found
    assert verdict("tree", thing("n3", point(20, 20), natural="tree")) == "yes"


def test_an_image_on_a_native_grid_has_no_row():
    assert rows_of(crs="EPSG:32632") == []
    assert rows_of() != []


def test_an_unknown_concept_is_refused():
    with pytest.raises(ValueError, match="there is no concept 'howse'"):
        TruthConfig(never_absent=("howse",))
