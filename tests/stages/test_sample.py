"""Which objects get a tile."""

from collections import Counter

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import tag_vocab
from pipeline.errors import InputError
from pipeline.schema import conform
from skyscript.backends.registry import finest_gsd
from stages import tables
from stages.sample import SAMPLE, SampleConfig, sample
from tests.conftest import extracts
from tests.skyscript.osm.osm_text import extracted
from tests.stages.vocabularies import AS_SHIPPED, vocab_with

TREE, HOUSE, QUARRY = {"natural": "tree"}, {"building": "yes"}, {"landuse": "quarry"}


def objects(*rows, part_rows=1000):
    """Make the table of objects from (longitude, latitude, tags), in parts."""
    names = [f"n{index}" for index in range(1, len(rows) + 1)]
    table = pa.table(
        {
            "object_id": names,
            "kind": ["n"] * len(rows),
            "osm_id": list(range(1, len(rows) + 1)),
            "geometry": [b""] * len(rows),
            "west": [lon for lon, _, _ in rows],
            "south": [lat for _, lat, _ in rows],
            "east": [lon for lon, _, _ in rows],
            "north": [lat for _, lat, _ in rows],
            "tags": [list(tags.items()) for _, _, tags in rows],
            "osm_version": [None] * len(rows),
            "changed": [None] * len(rows),
            "geom_rule": ["node"] * len(rows),
            "status": ["ok"] * len(rows),
            "reason": [None] * len(rows),
        },
        schema=tables.OBJECTS.schema,
    )
    return dataset(table, part_rows)


def dataset(table, part_rows):
    return ds.dataset(
        [
            ds.dataset(table.slice(start, part_rows))
            for start in range(0, max(1, len(table)), part_rows)
        ]
    )


def sampled(table, root, vocab=AS_SHIPPED, **config):
    """Sample and give the whole table; each part must keep the contract."""
    parts = list(sample(table, vocab, config=SampleConfig(**config), root=root))
    for part in parts:
        conform(part, tables.FOCUS, where="test")
    return pa.concat_tables(parts)


def ids(table):
    return table["object_id"].to_pylist()


def cell_of(row):
    """Name a made object's cell of 0.01 degrees; they lie in the cells' middles."""
    return f"{round(row['west'] * 100 - 0.5)}/{round(row['south'] * 100 - 0.5)}"


def row_of_cells(count, tags=TREE):
    return [(7.005 + 0.01 * index, 43.005, tags) for index in range(count)]


def test_all_visible_objects_are_taken_where_no_number_of_cells_is_given(tmp_path):
    table = objects(
        (7, 43, TREE),
        (7, 43, {"name": "Nowhere"}),
        (7, 43, {"surface": "asphalt"}),
        (7, 43, {"name": "Home", **HOUSE}),
    )
    chosen = sampled(table, tmp_path)
    assert ids(chosen) == ["n1", "n4"]
    assert chosen["chosen_by"].to_pylist() == ["all", "all"]
    assert chosen["chosen_for"].to_pylist() == [None, None]
    assert chosen["tags"][1].as_py() == [("name", "Home"), ("building", "yes")]


def test_objects_that_are_not_ok_are_never_taken(tmp_path):
    table = objects((7, 43, TREE), (7, 43, TREE), (7, 43, TREE)).to_table()
    status = pa.array(["ok", "filtered", "ok"])
    table = table.set_column(table.schema.get_field_index("status"), "status", status)
    assert ids(sampled(ds.dataset(table), tmp_path)) == ["n1", "n3"]


def test_drawn_cells_are_taken_whole_and_named(tmp_path):
    table = objects(*row_of_cells(30), *row_of_cells(30, HOUSE))
    chosen = sampled(table, tmp_path, cells=4, seed=1, rare_below=0)
    rows = chosen.to_pylist()
    assert len(rows) == 8
    assert len({row["chosen_for"] for row in rows}) == 4
    assert {row["chosen_by"] for row in rows} == {"cell"}
    assert all(row["chosen_for"] == cell_of(row) for row in rows)
    assert ids(chosen) == sorted(ids(chosen), key=lambda name: int(name[1:]))


def test_the_side_of_a_cell_is_a_setting(tmp_path):
    table = objects(*row_of_cells(30))
    chosen = sampled(table, tmp_path, cells=1, cell_degrees=0.1, rare_below=0)
    (cell,) = set(chosen["chosen_for"].to_pylist())
    assert cell in {"70/430", "71/430", "72/430"}
    assert len(chosen) == 10


def test_another_seed_draws_other_cells_and_more_cells_than_there_are_are_all(tmp_path):
    table = objects(*row_of_cells(50))
    draws = [ids(sampled(table, tmp_path, cells=5, seed=seed, rare_below=0)) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert len(sampled(table, tmp_path, cells=60)) == 50


def test_a_cell_holds_the_centre_of_an_object_also_west_and_south_of_null_island(tmp_path):
    chosen = sampled(objects((-0.005, -0.015, TREE)), tmp_path, cells=1)
    assert chosen["chosen_for"].to_pylist() == ["-1/-2"]


def test_tags_that_the_cells_hardly_reach_are_taken_wherever_they_are(tmp_path):
    table = objects(*row_of_cells(40), *row_of_cells(3, QUARRY))
    drawn = sampled(table, tmp_path, cells=20, seed=3, rare_below=0)
    reached = Counter(str(row["tags"]) for row in drawn.to_pylist())
    assert reached[str(list(TREE.items()))] == 20
    chosen = sampled(table, tmp_path, cells=20, seed=3, rare_below=20).to_pylist()
    quarries = [row for row in chosen if row["tags"] == list(QUARRY.items())]
    trees = [row for row in chosen if row["tags"] == list(TREE.items())]
    assert len(trees) == 20
    assert len(quarries) == 3
    for row in quarries:
        by_cell = row["object_id"] in ids(drawn)
        assert row["chosen_by"] == ("cell" if by_cell else "rare")
        assert row["chosen_for"] == (cell_of(row) if by_cell else "landuse=quarry")


def test_a_rare_tag_takes_no_more_than_its_cap_what_the_cells_hold_included(tmp_path):
    table = objects(*row_of_cells(100, QUARRY))
    chosen = sampled(table, tmp_path, cells=2, rare_below=3, rare_cap=7)
    assert Counter(chosen["chosen_by"].to_pylist()) == {"cell": 2, "rare": 5}


def test_a_tag_that_is_reached_often_enough_is_not_rare(tmp_path):
    table = objects(*row_of_cells(40))
    for below, count in ((5, 5), (6, 40)):
        chosen = sampled(table, tmp_path, cells=5, rare_below=below, rare_cap=100)
        assert len(chosen) == count


def test_what_cannot_be_seen_is_never_a_rare_tag(tmp_path):
    rows = [(lon, lat, {"name": f"tree {lon}", **TREE}) for lon, lat, _ in row_of_cells(40)]
    assert len(sampled(objects(*rows), tmp_path, cells=30, rare_below=20)) == 30


def test_a_limit_keeps_rare_tags_first_and_draws_the_rest(tmp_path):
    common = [(7 + index / 1e4, 43, HOUSE) for index in range(900)]
    rare = [(8, 43, {"landuse": "quarry"}), (8, 43, {"leisure": "pitch"}), (8, 43, TREE)]
    chosen = sampled(objects(*common, *rare), tmp_path, max_objects=50)
    tags = Counter(dict(row).popitem() for row in chosen["tags"].to_pylist())
    assert len(chosen) == 50
    assert tags[("building", "yes")] == 47
    other = sampled(objects(*common, *rare), tmp_path, max_objects=50, seed=1)
    assert ids(other) != ids(chosen)


def test_under_a_limit_rare_tags_share_half_of_it_and_each_comes_before_a_second_one(tmp_path):
    common = [(7 + index / 1e4, 43, HOUSE) for index in range(100)]
    rare = [(8, 43, {"sport": sport, "leisure": "pitch"}) for sport in ("tennis", "soccer")]
    many = [(8, 43, QUARRY)] * 8
    chosen = sampled(objects(*common, *many, *rare), tmp_path, max_objects=12, rare_below=9)
    names = [dict(row) for row in chosen["tags"].to_pylist()]
    assert len(chosen) == 12
    assert sum(row.get("leisure") == "pitch" for row in names) == 2
    assert names.count(QUARRY) >= 4
    assert names.count(HOUSE) >= 4
    assert len(sampled(objects(*many), tmp_path, max_objects=100)) == 8


def test_rare_tags_get_half_of_the_seats_and_more_only_if_others_are_too_few(tmp_path):
    common = [(7 + index / 1e4, 43, HOUSE) for index in range(100)]
    sports = ("tennis", "soccer", "basketball", "baseball", "golf", "athletics")
    rare = [(8, 43, {"leisure": "pitch", "sport": sport}) for sport in sports for _ in range(8)]

    def rare_of(count_common, **config):
        chosen = sampled(objects(*common[:count_common], *rare), tmp_path, rare_below=9, **config)
        return len(chosen), sum("sport" in dict(tags) for tags in chosen["tags"].to_pylist())

    assert rare_of(100, max_objects=40) == (40, 20)
    assert rare_of(10, max_objects=40) == (40, 30)


def test_what_is_hidden_from_above_takes_no_seat_and_reaches_no_tag(tmp_path):
    bench, indoor = {"amenity": "bench"}, {"amenity": "bench", "indoor": "yes"}
    hidden = [(9.005, 47.0001 + index / 1e4, indoor) for index in range(12)]
    made = objects(*hidden, (9.005, 47.001, TREE), (9.055, 47.055, bench))
    for seed in range(4):
        chosen = sampled(made, tmp_path, cells=1, seed=seed)
        assert ids(chosen) == ["n13", "n14"]


SIMULATED = {"SIM": {"backend": "simulated", "gsd": [2.0, 10.0]}}


def test_what_no_source_can_show_takes_no_seat(tmp_path):
    made = objects((0, 0, TREE), (0, 0, {"natural": "water"}), (0, 0, {"highway": "street_lamp"}))
    assert len(sampled(made, tmp_path)) == 3
    assert ids(sampled(made, tmp_path, sources=SIMULATED)) == ["n2"]
    slack = 2.0 / tag_vocab.SHIPPED.max_gsd(TREE)
    assert ids(sampled(made, tmp_path, sources=SIMULATED, gsd_slack=slack)) == ["n1", "n2"]


def test_an_area_of_a_few_pixels_of_every_source_takes_no_seat(tmp_path):
    table = objects(*[(7, 43, {"natural": "water"})] * 2).to_table().to_pylist()
    for row, metres in zip(table, (8, 12), strict=True):
        row |= {"kind": "a", "north": 43 + metres / 111_320}
    made = ds.dataset(pa.Table.from_pylist(table, schema=tables.OBJECTS.schema))
    assert ids(sampled(made, tmp_path, sources=SIMULATED)) == ["n2"]
    assert ids(sampled(made, tmp_path, sources=SIMULATED, min_extent=3)) == ["n1", "n2"]
    with pytest.raises(InputError, match="lower `min_extent`"):
        sampled(made, tmp_path, sources=SIMULATED, min_extent=30)


def test_where_no_source_is_sharp_enough_the_key_that_helps_is_named(tmp_path):
    coarse = {"SIM": {"backend": "simulated", "gsd": [30.0]}}
    made = objects((0, 0, {"natural": "water"}), (0, 0, TREE))
    with pytest.raises(InputError, match=r"finest GSD is 30 m.* set `gsd_slack` to 3 or more"):
        sampled(made, tmp_path, sources=coarse)
    assert ids(sampled(made, tmp_path, sources=coarse, gsd_slack=3)) == ["n1"]


def test_only_what_decides_the_finest_gsd_of_the_sources_makes_another_sample():
    def config(**source):
        return SampleConfig(sources={"SIM": {"backend": "simulated", **source}})

    assert config(weight=2).identity() == config().identity()
    assert config(gsd=[3.0]).identity() != config().identity()
    assert SAMPLE.external(config()) == SAMPLE.external(SampleConfig())


@pytest.mark.parametrize(
    ("source", "gsd"),
    [
        ({"CH": {"backend": "earth_engine", "project": "p"}}, 0.1),
        ({"S2": {"backend": "stac"}}, 10.0),
        ({"S2": {"backend": "stac"}, "SIM": {"backend": "simulated", "gsd": [0.5]}}, 0.5),
        ({"XY": {"backend": "folder", "path": "none", "gsd": 0.3}}, 0.3),
        ({}, 0.0),
    ],
)
def test_the_finest_gsd_of_sources(source, gsd):
    assert finest_gsd(SampleConfig(sources=source).sources) == gsd


@pytest.mark.parametrize("path", extracts("monaco"))
def test_the_choice_does_not_depend_on_parts_nor_on_the_size_of_shards(tmp_path, path):
    table = extracted(path, tmp_path)
    config = {"cells": 6, "seed": 5, "max_objects": 700}
    whole = sampled(ds.dataset(table), tmp_path, **config)
    assert len(whole) == 700
    assert {"cell", "rare"} == set(whole["chosen_by"].to_pylist())
    cut_into_parts = sampled(dataset(table, 500), tmp_path, shard_rows=64, **config)
    assert cut_into_parts.equals(whole)
    parts = sample(
        ds.dataset(table),
        AS_SHIPPED,
        config=SampleConfig(shard_rows=64, **config),
        root=tmp_path,
    )
    assert [len(part) for part in parts] == [64] * 10 + [60]
    order = {name: place for place, name in enumerate(ids(table))}
    places = [order[name] for name in ids(whole)]
    assert places == sorted(places)


def test_nothing_to_see_is_bad_input_and_leaves_no_scratch_file(tmp_path):
    with pytest.raises(InputError, match="can be seen from above"):
        sampled(objects((7, 43, {"name": "Nowhere"})), tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_vocabulary_makes_another_sample():
    assert SAMPLE.external(SampleConfig()) == {"tag_vocab": tag_vocab.content_id()}


def test_the_run_s_own_vocabulary_decides_what_is_a_candidate(tmp_path):
    made = objects((0, 0, TREE), (0, 0, {"my:key": "crater"}), (0, 0, {"sport": "x;crater"}))
    mine = vocab_with(("natural", "tree", None), ("my:key", "*", 1.0))
    assert sampled(made, tmp_path)["object_id"].to_pylist() == ["n1"]
    assert sampled(made, tmp_path, mine)["object_id"].to_pylist() == ["n2"]


def test_old_spellings_and_several_values_count_as_the_tags_they_stand_for(tmp_path):
    made = objects(
        (0.005, 0.005, {"building": "church"}),
        (5.005, 5.005, {"building:type": "church"}),
        (7.005, 7.005, {"leisure": "pitch", "sport": "tennis;chess;basketball"}),
    )
    found = sampled(made, tmp_path, cells=1, rare_below=5)
    chosen = {row["object_id"]: row["chosen_for"] for row in found.to_pylist()}
    cells, pitch = {"0/0", "500/500", "700/700"}, {"leisure=pitch", "sport=basketball"}
    assert set(chosen) == {"n1", "n2", "n3"}
    assert set(chosen.values()) <= {"building=church"} | pitch | cells
    assert len(set(chosen.values()) & cells) == 1  # the others come for a rare tag, as said today
