"""A run that fails or is refused: what stops, what is named, and what is tried again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import ConfigError, InputError, ItemsFailed, LockError, SchemaError
from pipeline.run import Run
from pipeline.runner import run
from pipeline.stage import Shard
from pipeline.state import Retry
from tests.pipeline.recipe import COUNT, SQUARE, SQUARES, TOTAL, SquareConfig, square
from tests.pipeline.world import World

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_a_shard_that_fails_does_not_stop_the_others(world: World, executor: str) -> None:
    runner = {"executor": executor, "workers": 2}
    with pytest.raises(ItemsFailed, match=r"square shard 1: ValueError: 4 cannot be squared"):
        world.run(square={"fail_at": [4]}, runner=runner)
    assert {shard for stage, shard in world.ran() if stage == "square"} == {0, 2, 3}
    assert "Traceback" in (world.root / "tables/squares/_failures/00001.txt").read_text()
    assert not (world.root / "tables/sum").exists()
    world.run(runner=runner)
    assert world.sum() == 285
    assert not list(world.root.glob("tables/squares/_failures/*"))


def test_a_failed_shard_never_leaves_its_older_part_to_the_stages_after_it(world: World) -> None:
    world.run()
    with pytest.raises(ItemsFailed):
        world.run(square={"power": 3, "fail_at": [4]})
    assert 1 not in {shard for stage, shard in world.ran() if stage == "square"}
    assert (world.root / "tables/squares/_manifest.json").exists() is False
    assert world.sum() == 285  # the older sum, untouched


def test_while_a_shard_fails_later_stages_keep_what_they_have(world: World) -> None:
    world.run()
    csv = world.root / "tables/sum/part-00000.parquet"
    before = csv.read_bytes()
    with pytest.raises(ItemsFailed, match=r"total: not run, because 'squares' is not complete"):
        world.run(square={"seed": 1, "fail_at": [4]})
    assert csv.read_bytes() == before
    assert not (world.root / "tables/sum/_manifest.json").exists()
    world.run(square={"seed": 1})
    assert world.sum() == 285


def test_where_all_shards_fail_they_are_named(world: World) -> None:
    with pytest.raises(ItemsFailed) as caught:
        world.run(square={"fail_at": [0, 3, 6, 9]})
    assert [f"square shard {n}: ValueError" in str(caught.value) for n in range(4)] == [True] * 4


def test_a_stage_does_not_run_on_a_half_made_table(world: World) -> None:
    world.run()
    before = world.content()
    (world.root / "tables/numbers/_manifest.json").unlink()
    for name in ("part-00003.parquet", "_receipts/00003.json"):
        (world.root / "tables/numbers" / name).unlink()
    with pytest.raises(ConfigError, match=r"square needs the complete table 'numbers'.*run count"):
        world.run(only=("square", "total"))
    world.run()
    assert world.content() == before


def test_failed_rows_are_named_and_tried_again_only_when_asked(world: World) -> None:
    away = world.root.parent / "away"
    away.touch()
    with pytest.raises(
        ItemsFailed,
        match=r"square: 5 rows failed \(even\), the service was away: 0, 2, 4, 6, 8\n",
    ):
        world.run(square={"flaky": str(away)})
    away.unlink()
    with pytest.raises(ItemsFailed, match="Try these again with --retry"):
        world.run(square={"flaky": str(away)})
    assert world.ran() == []
    world.run(square={"flaky": str(away)}, retry=Retry())
    assert world.why("square") == "failed rows in 4 parts"
    assert world.sum() == 285


def test_failed_rows_are_made_again_alone_all_or_those_of_one_class(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    undisturbed = world.content()
    away = world.root.parent / "away"
    away.touch()
    flaky = {"flaky": str(away)}
    with pytest.raises(ItemsFailed):
        world.run(square=flaky)
    made: list[list[int]] = []

    def noted(numbers: pa.Table, **arguments: Any) -> pa.Table:
        made.append(numbers.column("n").to_pylist())
        return square(numbers, **arguments)

    recipe = (COUNT, replace(SQUARE, run=noted), TOTAL)
    away.write_text("even")
    with pytest.raises(ItemsFailed, match=r"5 rows failed \(even\)"):
        run(recipe, world.config(square=flaky), world.root, print, retry=Retry(frozenset({"odd"})))
    assert made == [[1], [3, 5], [7], [9]]
    away.unlink()
    run(recipe, world.config(square=flaky), world.root, print, retry=Retry())
    assert made[4:] == [[0, 2], [4], [6, 8]]
    assert world.content() == undisturbed


def test_a_class_that_no_failed_row_has_is_refused_with_those_there_are(world: World) -> None:
    away = world.root.parent / "away"
    away.touch()
    with pytest.raises(ItemsFailed):
        world.run(square={"flaky": str(away)})
    with pytest.raises(
        ConfigError, match=r"class of error 'old'; the classes are: even \(5\), odd \(5\)"
    ):
        world.run(square={"flaky": str(away)}, retry=Retry(frozenset({"old"})))


def test_bad_input_stops_the_run_and_leaves_the_earlier_table(world: World) -> None:
    world.run()
    before = world.content()
    with pytest.raises(InputError, match=r"nowhere\.txt: there is no such file"):
        world.run(count={"source": "nowhere.txt"})
    assert world.content() == before
    with pytest.raises(InputError, match="the number 7 is bad"):
        world.run(square={"bad_input_at": 7})


def test_a_stage_that_leaves_no_row_stops_the_run(world: World) -> None:
    with pytest.raises(InputError, match="count finds nothing"):
        world.run(count={"upto": 0})


def test_a_stage_that_may_be_empty_lets_the_run_go_on(world: World) -> None:
    def none(numbers: pa.Table, *, config: SquareConfig, shard: Shard) -> pa.Table:
        return SQUARES.schema.empty_table()

    of_any_number = replace(SQUARES, key="square")
    fine = replace(SQUARE, run=none, writes=of_any_number, may_be_empty=True)
    with pytest.raises(InputError, match="square finds nothing"):
        recipe = (COUNT, replace(fine, may_be_empty=False), TOTAL)
        run(recipe, world.config(), world.root, lambda event: None)
    run((COUNT, fine, TOTAL), world.config(), world.root, lambda event: None)
    assert world.sum() == 0


def test_a_stage_may_say_why_none_of_its_rows_is_ok(world: World) -> None:
    def drop_all(numbers: pa.Table, *, config: SquareConfig, shard: Shard) -> pa.Table:
        rows = [{"n": n, "status": "filtered", "reason": "odd"} for n in numbers["n"].to_pylist()]
        return pa.Table.from_pylist(rows, schema=SQUARES.schema)

    def why(numbers: ds.Dataset, *, config: SquareConfig) -> str:
        return f"none of {numbers.count_rows()} numbers to the power of {config.power} fits"

    silent = replace(SQUARE, run=drop_all)

    def drop_each(numbers: pa.Table, **given: Any) -> pa.Table:
        dropped = drop_all(numbers, **given).to_pylist()
        rows = [{**row, "reason": f"{row['n']} is odd"} for row in dropped]
        return pa.Table.from_pylist(rows, schema=SQUARES.schema)

    telling = replace(silent, why_empty=why)
    for stage, words in (
        (silent, r"square drops all 10 rows \(10 odd\)"),
        (
            replace(silent, run=drop_each, version=2),
            r"drops all 10 rows \((1 \d is odd, ){4}6 more reasons\)",
        ),
        (telling, "^none of 10 numbers to the power of 2 fits$"),
    ):
        with pytest.raises(InputError, match=words):
            run((COUNT, stage, TOTAL), world.config(), world.root, lambda event: None)


def test_a_row_that_goes_missing_is_a_defect_that_is_named(world: World) -> None:
    with pytest.raises(ItemsFailed, match="the result lacks rows of 'numbers'"):
        world.run(square={"drop": 2})


def test_a_shard_that_kills_its_workers_is_a_failed_one_and_the_others_are_made(
    world: World,
) -> None:
    with pytest.raises(ItemsFailed, match=r"square shard 1: its worker process died 3 times"):
        world.run(square={"kill_at": 5}, runner={"executor": "processes", "workers": 1})
    assert {shard for stage, shard in world.ran() if stage == "square"} == {0, 2, 3}
    world.run()
    assert world.sum() == 285


def test_one_stage_alone_needs_what_it_reads(world: World) -> None:
    with pytest.raises(
        ConfigError, match=r"square needs the complete table 'numbers'.*run count first"
    ):
        world.run(only=("square",))


def test_one_command_that_makes_all_missing_tables_is_named(world: World) -> None:
    with pytest.raises(ConfigError, match=r"lacks: run square first, with --until square$"):
        world.run(only=("total",))


def test_two_runs_in_one_folder_are_refused(world: World) -> None:
    with (
        Run(world.root).locked(),
        pytest.raises(LockError, match=r"process \d+ on .* uses this folder"),
    ):
        world.run()


def test_a_run_in_object_storage_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"s3:/+bucket/run: is an address; choose a folder"):
        World(Path("s3://bucket/run")).run()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_else_is_refused(world: World) -> None:
    world.root.mkdir()
    (world.root / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="contains files but no run"):
        world.run()


def test_a_stage_that_breaks_its_contract_is_shown_both_sides() -> None:
    from pipeline.schema import conform
    from tests.pipeline.recipe import NUMBERS

    with pytest.raises(SchemaError, match=r"(?s)promised:.*n: int64.*given:.*m: string"):
        conform(pa.table({"m": ["x"]}), NUMBERS, where="here")
