"""Which objects a source can show, and why the others cannot be shown."""

import shutil
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import tag_vocab
from skyscript.geo.tile import TOO_POLAR
from skyscript.osm.underground import UNDERGROUND
from skyscript.vocabulary import NOTHING_SEEN
from stages import tables
from stages.eligible import ELIGIBLE, EligibleConfig
from stages.eligible.showing import NOT_COVERED, NOT_SHARP, OUT_OF_VIEW, TOO_LARGE, TOO_SMALL
from stages.eligible.why_none import why_none
from stages.sample import SampleConfig
from tests.skyscript.imagery.rasters import write_raster
from tests.skyscript.osm.osm_text import extracted
from tests.stages.sampling import (
    HOUSE,
    QUARRY,
    TREE,
    eligible,
    ids,
    objects,
    outlined,
    row_of_cells,
    sampled,
)
from tests.stages.vocabularies import AS_SHIPPED, vocab_with

SIMULATED = {"SIM": {"backend": "simulated", "gsd": [2.0, 10.0]}}
WATER, BENCH = {"natural": "water"}, {"amenity": "bench"}


def reasons(made, **config):
    return [row["reason"] for part in eligible(made, **config) for row in part.to_pylist()]


def test_every_object_has_a_row_with_its_visible_tags_or_the_reason():
    made = objects(
        (7, 43, TREE | {"name": "Old oak"}), (7, 43, {"name": "Nowhere"}), (7, 43, HOUSE)
    )
    [table] = eligible(made)
    assert ids(table) == ["n1", "n2", "n3"]
    assert table["tags"].to_pylist() == [["natural=tree"], [], ["building=yes"]]
    assert table["reason"].to_pylist() == [None, NOTHING_SEEN, None]
    assert table["lon"].to_pylist() == [7.0] * 3


def test_an_object_that_is_not_ok_keeps_its_reason():
    made = objects((7, 43, TREE), (7, 43, TREE)).to_table().to_pylist()
    gone = {"status": "filtered", "reason": "no place", "west": None, "geometry": None}
    made[0] |= gone
    table = ds.dataset(pa.Table.from_pylist(made, schema=tables.OBJECTS.schema))
    assert reasons(table) == ["no place", None]


def test_what_is_hidden_from_above_takes_no_seat_and_reaches_no_tag(tmp_path):
    hidden = [(9.005, 47.0001 + index / 1e4, BENCH | {"indoor": "yes"}) for index in range(12)]
    made = objects(*hidden, (9.005, 47.001, TREE), (9.055, 47.055, BENCH))
    assert Counter(reasons(made)) == {UNDERGROUND: 12, None: 2}
    for seed in range(4):
        assert ids(sampled(made, tmp_path, cells=1, seed=seed)) == ["n13", "n14"]


@pytest.mark.slow
def test_the_case_of_hidden_benches_reaches_the_bench_outside(tmp_path, shared_data):
    case = shared_data.parent / "cases/osm/hidden_counts_as_reached.osm"
    table = extracted(shutil.copy(case, tmp_path), tmp_path)
    chosen = sampled(ds.dataset(table), tmp_path, cells=1)
    assert any("bench" in str(tags) for tags in chosen["tags"].to_pylist())
    assert not any("indoor" in str(tags) for tags in chosen["tags"].to_pylist())


def test_a_tag_is_shown_down_to_its_maximum_gsd_and_the_others_are_named():
    lamp = {"highway": "street_lamp"}
    made = objects((0, 0, TREE), (0, 0, WATER), (0, 0, lamp), (0, 0, WATER | HOUSE))
    assert reasons(made) == [None] * 4
    assert reasons(made, sources=SIMULATED) == [NOT_SHARP, None, NOT_SHARP, None]
    [table] = eligible(made, sources=SIMULATED)
    assert table["unseen"].to_pylist() == [
        *(["natural=tree"], [], ["highway=street_lamp"], ["building=yes"]),
    ]
    slack = 2.0 / tag_vocab.SHIPPED.max_gsd(TREE)
    assert reasons(made, sources=SIMULATED, gsd_slack=slack)[:2] == [None, None]


def test_a_point_that_stands_for_an_extent_needs_a_source_with_tiles_as_large():
    made = objects((0, 0, {"amenity": "hospital"}), (0, 0, TREE))  # 60 m, 5 m
    fine = {"SIM": {"backend": "simulated", "gsd": [0.1]}}
    assert reasons(made, sources=fine) == [OUT_OF_VIEW, None]
    assert reasons(made, sources=fine, object_side=(224, 640)) == [None, None]


def areas(*metres):
    made = objects(*[(7, 43, WATER)] * len(metres)).to_table().to_pylist()
    for row, side in zip(made, metres, strict=True):
        row |= {"kind": "a", "north": 43 + side / 111_320}
    return ds.dataset(pa.Table.from_pylist(made, schema=tables.OBJECTS.schema))


def test_an_area_must_have_some_pixels_of_a_source_and_fit_into_a_tile():
    made = areas(8, 12, 9_000, 11_000)
    assert reasons(made, sources=SIMULATED) == [TOO_SMALL, None, None, TOO_LARGE]
    assert reasons(made, sources=SIMULATED, min_extent=3)[0] is None
    assert reasons(areas(0.1), sources=SIMULATED, min_extent=0) == [None]
    assert reasons(made, sources=SIMULATED, max_side=1200)[3] is None
    service = {"S2": {"backend": "stac"}}
    assert reasons(areas(11_000), sources=service) == [None]  # its coarsest image is unknown


def test_beyond_85_degrees_there_is_no_tile():
    assert reasons(objects((0, 85.5, TREE), (0, -86, TREE), (0, 84, TREE))) == [
        *(TOO_POLAR, TOO_POLAR, None)
    ]


@pytest.fixture
def folder(tmp_path):
    """Two images of 100 m: one of 0.5 m at 9 E, one of 5 m at 9.1 E."""
    images = tmp_path / "images"
    images.mkdir()
    for name, lon, gsd, side in (("fine", 9.0, 0.5, 200), ("coarse", 9.1, 5.0, 20)):
        pixels = np.full((side, side, 3), 99, np.uint8)
        write_raster(images / f"{name}.tif", pixels, "EPSG:32632", (lon, 47.0), gsd)
    return {"ORT": {"backend": "folder", "path": images, "acquired": 2019}}


def test_an_object_outside_of_the_images_of_a_folder_is_never_drawn(tmp_path, folder):
    made = objects((9.0, 47.0, HOUSE), (9.05, 47.0, HOUSE), (9.1, 47.0, HOUSE), (9.1, 47.0, WATER))
    assert reasons(made, sources=folder) == [None, NOT_COVERED, NOT_SHARP, None]
    assert ids(sampled(made, tmp_path, sources=folder)) == ["n1", "n4"]
    both = folder | SIMULATED
    assert reasons(made, sources=both)[1] == NOT_SHARP


def test_a_line_is_shown_where_a_part_of_its_box_is_covered_an_area_at_its_centre(folder):
    made = objects(*[(8.99, 47.0, {"highway": "primary"})] * 2).to_table().to_pylist()
    made[0] |= {"kind": "w", "east": 9.0}
    made[1] |= {"kind": "a", "east": 9.0, "tags": list(QUARRY.items())}
    table = ds.dataset(pa.Table.from_pylist(made, schema=tables.OBJECTS.schema))
    assert reasons(table, sources=folder) == [None, NOT_COVERED]


def test_a_service_counts_as_covering_what_the_registry_says():
    made = objects((-90.0, 40.0, HOUSE), (9.0, 47.0, HOUSE))
    assert reasons(made, sources={"US": {"backend": "stac"}}) == [None, NOT_COVERED]


def test_the_run_s_own_vocabulary_decides():
    made = objects((0, 0, TREE), (0, 0, {"my:key": "crater"}), (0, 0, {"sport": "x;crater"}))
    mine = vocab_with(("natural", "tree", None), ("my:key", "*", 1.0))
    assert reasons(made) == [None, NOTHING_SEEN, NOTHING_SEEN]
    assert reasons(made, vocab=mine) == [NOTHING_SEEN, None, NOTHING_SEEN]


def test_the_seed_decides_the_draws_and_parts_do_not():
    made = row_of_cells(20)
    [whole], [other] = eligible(objects(*made)), eligible(objects(*made), seed=1)
    assert pa.concat_tables(eligible(objects(*made, part_rows=3))).equals(whole)
    assert whole["draw"].to_pylist() != other["draw"].to_pylist()
    assert ELIGIBLE.external(EligibleConfig()) == {"tag_vocab": tag_vocab.content_id()}
    assert not SampleConfig().identity().keys() & {"sources", "gsd_slack"}


def sentence(made, sources=None, **config):
    return why_none(made, outlined(sources), AS_SHIPPED, config=EligibleConfig(**config))


def test_where_no_object_is_eligible_the_remedy_is_named(folder):
    assert "carries a tag that can be seen" in sentence(objects((7, 43, {"name": "Nowhere"})))
    coarse = {"SIM": {"backend": "simulated", "gsd": [30.0]}}
    said = sentence(objects((0, 0, WATER), (0, 0, TREE)), coarse)
    assert "finest GSD is 30 m" in said
    assert "set `gsd_slack` to 3 or more" in said
    assert "km apart. Check `sources`" in sentence(objects((9.5, 47.0, HOUSE)), folder)
    assert "lower `min_extent`" in sentence(areas(8), SIMULATED)
