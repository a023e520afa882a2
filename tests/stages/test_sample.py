"""Which of the eligible objects get a tile."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from stages.sample import SampleConfig, sample
from tests.conftest import extracts
from tests.skyscript.osm.osm_text import extracted
from tests.stages.sampling import (
    HOUSE,
    QUARRY,
    TREE,
    cell_of,
    dataset,
    eligible,
    ids,
    objects,
    row_of_cells,
    sampled,
)
from tests.stages.vocabularies import vocab_with


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


@pytest.mark.slow
def test_rare_tags_get_half_of_the_seats_and_more_only_if_others_are_too_few(tmp_path):
    common = [(7 + index / 1e4, 43, HOUSE) for index in range(100)]
    sports = ("tennis", "soccer", "basketball", "baseball", "golf", "athletics")
    rare = [(8, 43, {"leisure": "pitch", "sport": sport}) for sport in sports for _ in range(8)]

    def rare_of(count_common, **config):
        chosen = sampled(objects(*common[:count_common], *rare), tmp_path, rare_below=9, **config)
        return len(chosen), sum("sport" in dict(tags) for tags in chosen["tags"].to_pylist())

    assert rare_of(100, max_objects=40) == (40, 20)
    assert rare_of(10, max_objects=40) == (40, 30)


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


@pytest.mark.slow
@pytest.mark.parametrize("path", extracts("monaco"))
def test_the_choice_does_not_depend_on_parts_nor_on_the_size_of_shards(tmp_path, path):
    table = extracted(path, tmp_path)
    config = {"cells": 6, "seed": 5, "max_objects": 700}
    whole = sampled(ds.dataset(table), tmp_path, **config)
    assert len(whole) == 700
    assert {"cell", "rare"} == set(whole["chosen_by"].to_pylist())
    cut_into_parts = sampled(dataset(table, 500), tmp_path, shard_rows=64, **config)
    assert cut_into_parts.equals(whole)
    found = ds.dataset(eligible(ds.dataset(table), seed=5))
    settings = SampleConfig(shard_rows=64, **config)
    parts = sample(ds.dataset(table), found, config=settings, root=tmp_path)
    assert [len(part) for part in parts] == [64] * 10 + [60]
    order = {name: place for place, name in enumerate(ids(table))}
    places = [order[name] for name in ids(whole)]
    assert places == sorted(places)


@pytest.mark.parametrize("draw", ["occupied", "area", "inverse_density"])
def test_the_order_of_the_objects_decides_nothing(tmp_path, draw):
    made = objects(*row_of_cells(60), *row_of_cells(60, HOUSE), *row_of_cells(9, QUARRY)).to_table()
    mixed = made.take(np.random.default_rng(1).permutation(len(made)))
    config = {"cells": 7, "cell_draw": draw, "rare_below": 5, "balanced": 6, "max_objects": 30}
    whole, other = (
        sampled(dataset(table, size), tmp_path, **config)
        for table, size in ((made, 1000), (mixed, 7))
    )
    assert len(whole) == 30
    assert set(whole["chosen_by"].to_pylist()) == {"cell", "rare", "balanced"}
    assert sorted(whole.to_pylist(), key=str) == sorted(other.to_pylist(), key=str)


def test_equal_draws_are_ordered_by_the_object_s_id(tmp_path):
    made = objects(*[(7, 43, TREE)] * 8).to_table()
    found = eligible(ds.dataset(made))[0]
    draw = found.schema.get_field_index("draw")
    tied = found.set_column(draw, found.schema.field(draw), pa.array([0.5] * 8))
    for order in (range(8), range(7, -1, -1)):
        settings = SampleConfig(max_objects=3)
        given = (ds.dataset(table.take(list(order))) for table in (made, tied))
        chosen = pa.concat_tables(sample(*given, config=settings, root=tmp_path))
        assert sorted(ids(chosen)) == ["n1", "n2", "n3"]


def test_a_balanced_draw_takes_as_many_of_each_tag_and_all_of_a_rare_one(tmp_path):
    rows = [*row_of_cells(300), *row_of_cells(40, HOUSE), *row_of_cells(3, QUARRY)]
    chosen = sampled(objects(*rows), tmp_path, balanced=10)
    tags = Counter(str(dict(tags)) for tags in chosen["tags"].to_pylist())
    assert tags == {str(TREE): 10, str(HOUSE): 10, str(QUARRY): 3}
    assert set(chosen["chosen_by"].to_pylist()) == {"balanced"}
    assert Counter(chosen["chosen_for"].to_pylist()) == {
        "natural=tree": 10,
        "building=yes": 10,
        "landuse=quarry": 3,
    }
    other = sampled(objects(*rows), tmp_path, balanced=10, seed=1)
    assert ids(other) != ids(chosen)


def test_a_balanced_draw_takes_the_lowest_draws_of_each_tag(tmp_path):
    made = objects(*row_of_cells(500), *row_of_cells(500, HOUSE))
    draws = eligible(made)[0]
    expected = set()
    for rows in (draws.slice(0, 500), draws.slice(500)):
        first = pc.sort_indices(rows["draw"])[:25]
        expected |= set(ids(rows.take(first)))
    assert set(ids(sampled(made, tmp_path, balanced=25))) == expected


def test_a_share_that_was_too_small_grows_until_the_tag_has_enough(tmp_path):
    made = objects(*row_of_cells(400)).to_table()
    found = eligible(ds.dataset(made))[0]
    place = found.schema.get_field_index("draw")
    late = found.set_column(
        place, found.schema.field(place), pa.array(np.linspace(0.9, 0.999, 400))
    )
    given = (ds.dataset(made), ds.dataset(late))
    chosen = pa.concat_tables(sample(*given, config=SampleConfig(balanced=5), root=tmp_path))
    assert ids(chosen) == ["n1", "n2", "n3", "n4", "n5"]


def test_a_balanced_object_is_chosen_for_its_rarest_tag(tmp_path):
    tin = HOUSE | {"roof:material": "tin"}
    made = objects(*row_of_cells(50, HOUSE), *row_of_cells(2, tin))
    chosen = sampled(made, tmp_path, balanced=5).to_pylist()
    roofs = [row["chosen_for"] for row in chosen if len(row["tags"]) == 2]
    assert roofs == ["roof:material=tin"] * 2


def test_cells_rare_tags_and_balance_add_up_and_the_first_reason_is_told(tmp_path):
    rows = [*row_of_cells(100), *row_of_cells(100, HOUSE), *row_of_cells(4, QUARRY)]
    by_cell = sampled(objects(*rows), tmp_path, cells=10, rare_below=0)
    chosen = sampled(objects(*rows), tmp_path, cells=10, rare_below=3, rare_cap=4, balanced=30)
    counts = Counter(chosen["chosen_by"].to_pylist())
    assert counts["cell"] == len(by_cell)
    assert counts["rare"] + sum(row["chosen_for"] == "cell" for row in chosen.to_pylist()) <= 4
    assert counts["balanced"] > 20
    assert set(ids(by_cell)) < set(ids(chosen))
