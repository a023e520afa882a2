"""What a run does: what is missing, and no more."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.config import RunConfig, parse_config
from pipeline.errors import (
    ConfigError,
    InputError,
    ItemsFailed,
    LockError,
    SchemaError,
)
from pipeline.events import Event, ShardFinished, StageFinished, StageStarted
from pipeline.run import Run
from pipeline.runner import run
from pipeline.schema import Table
from pipeline.stage import DatasetStage, Owned, Shard, StageConfig
from pipeline.state import Retry
from tests.pipeline.recipe import COUNT, RECIPE, SQUARE, SQUARES, TOTAL, SquareConfig, square


class World:
    """A run folder and what happened in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[Event] = []

    def config(self, **blocks: object) -> RunConfig:
        runner = {"executor": "serial"} | blocks.pop("runner", {})  # type: ignore[operator]
        return parse_config({"runner": runner, **blocks}, RECIPE, base=self.root, where="test")

    def run(
        self,
        *,
        only: tuple[str, ...] = (),
        retry: Retry | None = None,
        shards: range | None = None,
        **blocks: object,
    ) -> None:
        self.events = []
        emit, config = self.events.append, self.config(**blocks)
        run(RECIPE, config, self.root, emit, only=only, retry=retry, shards=shards)

    def ran(self) -> list[tuple[str, int]]:
        return [(e.stage, e.shard) for e in self.events if isinstance(e, ShardFinished)]

    def why(self, stage: str) -> str:
        (why,) = [e.why for e in self.events if isinstance(e, StageStarted) and e.stage == stage]
        return why

    def sum(self) -> int:
        return pq.read_table(self.root / "tables/sum/part-00000.parquet").column(0)[0].as_py()

    def content(self) -> dict[str, bytes]:
        """Give what a reader of the run sees: all but receipts, markers and manifests."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not any(part.startswith("_") for part in path.parts)
        }


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "run")


def test_a_first_run_makes_every_part_and_a_second_one_none(world: World) -> None:
    world.run()
    assert world.sum() == sum(n * n for n in range(10))
    assert world.ran().count(("square", 3)) == 1
    world.run()
    assert world.ran() == []
    assert {e.ran for e in world.events if isinstance(e, StageFinished)} == {0}


def test_worker_processes_give_the_same_bytes_as_this_process(tmp_path: Path) -> None:
    contents = []
    for name, runner in (
        ("serial", {"executor": "serial"}),
        ("one", {"executor": "processes", "workers": 1}),
        ("two", {"executor": "processes", "workers": 2}),
    ):
        world = World(tmp_path / name)
        world.run(runner=runner)
        contents.append(world.content())
    assert contents[0] == contents[1] == contents[2]
    assert len(contents[0]) == 4 + 4 + 1 + 10 + 1  # parts, files, the summary


def test_a_deleted_part_is_made_again_alone(world: World) -> None:
    world.run()
    before = world.content()
    (world.root / "tables/squares/part-00002.parquet").unlink()
    world.run()
    assert world.ran() == [("square", 2)]
    assert world.content() == before


def test_a_deleted_part_of_a_dataset_stage_leaves_the_others_untouched(world: World) -> None:
    world.run()
    before = {path: path.stat().st_mtime_ns for path in world.root.glob("tables/numbers/part*")}
    deleted = world.root / "tables/numbers/part-00001.parquet"
    deleted.unlink()
    world.run()
    after = {path: path.stat().st_mtime_ns for path in world.root.glob("tables/numbers/part*")}
    assert {path for path in after if after[path] != before[path]} == {deleted}
    assert not [shard for stage, shard in world.ran() if stage != "count"]


def test_a_part_cut_short_is_made_again(world: World) -> None:
    world.run()
    before = world.content()
    part = world.root / "tables/squares/part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-5])
    world.run()
    assert world.content() == before


def test_a_part_whose_files_are_gone_is_made_again_alone(world: World) -> None:
    world.run()
    before = world.content()
    (world.root / "files/16.txt").unlink()
    world.run()
    assert world.ran() == [("square", 1)]
    assert world.content() == before


def test_a_dataset_stages_table_is_made_again_where_a_side_file_is_missing_or_cut_short(
    world: World,
) -> None:
    names = pa.schema([pa.field("note", pa.string()), pa.field("size", pa.int64())])

    def write(squares: ds.Dataset, *, config: StageConfig, root: Path) -> Iterator[pa.Table]:
        (root / "note.txt").write_text(f"{squares.count_rows()} squares")
        yield pa.table({"note": ["note.txt"], "size": [10]}, schema=names)

    owned = (Owned("note*.txt", "note", "size"),)
    notes = Table("notes", names, key="note")
    note = DatasetStage("note", write, StageConfig, reads=(SQUARES,), writes=notes, owns=owned)
    recipe = (COUNT, SQUARE, note)
    config = parse_config({"runner": {"executor": "serial"}}, recipe, base=world.root, where="x")
    for spoil, parts in (
        (lambda path: None, [0]),
        (lambda path: None, []),
        (lambda path: path.write_text("10 squ"), [0]),
        (lambda path: path.rename(path.with_name("elsewhere")), [0]),
    ):
        spoil(world.root / "note.txt")
        world.events = []
        run(recipe, config, world.root, world.events.append)
        assert [shard for stage, shard in world.ran() if stage == "note"] == parts
        assert [path.name for path in world.root.glob("*.txt")] == ["note.txt"]


def test_parts_of_an_earlier_version_that_lack_a_column_are_made_again(world: World) -> None:
    owned = (Owned("files/*.txt", "filepath", "byte_size"),)
    size = pa.field("byte_size", pa.int64())
    table = replace(SQUARES, schema=SQUARES.schema.append(size))

    def sized(numbers: pa.Table, *, config: SquareConfig, shard: Shard) -> pa.Table:
        made = square(numbers, config=config, shard=shard)
        sizes = [(shard.root / path).stat().st_size for path in made["filepath"].to_pylist()]
        return made.append_column(size, pa.array(sizes, pa.int64()))

    world.run()
    recipe = (COUNT, replace(SQUARE, run=sized, writes=table, owns=owned))
    run(recipe, world.config(), world.root, world.events.append)
    run(recipe, world.config(), world.root, world.events.append)
    assert ("square", 1) in world.ran()


def test_a_changed_config_says_what_changed_and_rebuilds_what_depends_on_it(world: World) -> None:
    world.run()
    world.run(square={"power": 3})
    assert world.why("count") == "done"
    assert world.why("square") == "changed: power 2 -> 3"
    assert world.why("total") == "changed: squares"
    assert world.sum() == sum(n**3 for n in range(10))


def test_a_rebuild_sweeps_the_files_that_no_row_names_and_no_others(world: World) -> None:
    world.run()
    mine = {"notes.md", "matches-the-pattern.txt"}
    for name in mine:
        (world.root / "files" / name).write_text("mine")
    with pytest.raises(ItemsFailed):  # a rebuild that is not finished
        world.run(square={"power": 3, "fail_at": [4]})
    world.run(square={"power": 3})
    names = {path.name for path in world.root.glob("files/*")}
    assert names == {f"{n**3}.txt" for n in range(10)} | mine
    world.run(count={"upto": 4}, square={"power": 3})
    names = {path.name for path in world.root.glob("files/*")}
    assert names == {f"{n**3}.txt" for n in range(4)} | mine


def test_what_comes_out_the_same_stops_the_rebuild(world: World) -> None:
    world.run()
    world.run(count={"part_rows": 3, "source": None, "upto": 10}, square={"seed": 5})
    assert {stage for stage, _ in world.ran()} == {"square"}


def test_fewer_rows_leave_no_old_part_behind(world: World) -> None:
    world.run()
    world.run(count={"upto": 4})
    assert world.sum() == 0 + 1 + 4 + 9
    assert len(list(world.root.glob("tables/squares/part*"))) == 2


def test_changed_content_of_an_outside_file_rebuilds_and_its_path_does_not(world: World) -> None:
    world.root.parent.mkdir(exist_ok=True)
    first, second = world.root.parent / "a/in.txt", world.root.parent / "b/in.txt"
    for path in (first, second):
        path.parent.mkdir()
        path.write_text("one")
    world.run(count={"source": str(first)})
    world.run(count={"source": str(second)})
    assert world.ran() == []
    second.write_text("two")
    world.run(count={"source": str(second)})
    assert world.why("count") == "changed: external.in.txt one -> two"


def test_workers_are_no_part_of_a_results_identity(world: World) -> None:
    world.run(runner={"workers": 1})
    world.run(runner={"workers": 7})
    assert world.ran() == []


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


def test_a_receipt_cut_short_by_a_crash_is_no_receipt(world: World) -> None:
    world.run()
    before = world.content()
    (world.root / "tables/squares/_receipts/00001.json").write_text('{"stage": "squ')
    (world.root / "tables/sum/_manifest.json").write_text("")
    world.run()
    assert world.ran() == [("square", 1), ("total", 0)]
    assert world.content() == before


def test_a_receipt_with_other_fields_is_no_receipt(world: World) -> None:
    world.run()
    before = world.content()
    (world.root / "tables/squares/_receipts/00001.json").write_text('{"of another": "version"}')
    world.run()
    assert ("square", 1) in world.ran()
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


def test_a_stage_may_say_why_none_of_its_rows_is_ok(world: World) -> None:
    def drop_all(numbers: pa.Table, *, config: SquareConfig, shard: Shard) -> pa.Table:
        rows = [{"n": n, "status": "filtered", "reason": "odd"} for n in numbers["n"].to_pylist()]
        return pa.Table.from_pylist(rows, schema=SQUARES.schema)

    def why(numbers: ds.Dataset, *, config: SquareConfig) -> str:
        return f"none of {numbers.count_rows()} numbers to the power of {config.power} fits"

    silent = replace(SQUARE, run=drop_all)
    telling = replace(silent, why_empty=why)
    for stage, words in (
        (silent, r"square drops all 10 rows \(10 odd\)"),
        (telling, "^none of 10 numbers to the power of 2 fits$"),
    ):
        with pytest.raises(InputError, match=words):
            run((COUNT, stage, TOTAL), world.config(), world.root, lambda event: None)


def test_a_row_that_goes_missing_is_a_defect_that_is_named(world: World) -> None:
    with pytest.raises(ItemsFailed, match="the result lacks rows of 'numbers'"):
        world.run(square={"drop": 2})


def test_a_table_with_another_key_may_have_any_number_of_rows_for_each(world: World) -> None:
    divisors = Table("divisors", pa.schema([pa.field("pair", pa.string(), nullable=False)]), "pair")

    def divide(numbers: pa.Table, *, config: SquareConfig, shard: Shard) -> pa.Table:
        pairs = [f"{n}/{d}" for n in numbers["n"].to_pylist() for d in (1, 2, 5) if n % d == 0]
        return pa.table({"pair": pairs}, schema=divisors.schema)

    stage = replace(SQUARE, run=divide, writes=divisors, owns=(), by_row=False)
    run((COUNT, stage), world.config(), world.root, lambda event: None)
    assert Run(world.root).table("divisors").count_rows() == 17


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


def test_totals_come_from_the_receipts_on_disk(world: World) -> None:
    world.run()
    (world.root / "tables/squares/part-00002.parquet").unlink()
    world.run()
    (finished,) = [e for e in world.events if isinstance(e, StageFinished) and e.stage == "square"]
    assert finished.rows == 10
    manifest = json.loads((world.root / "tables/squares/_manifest.json").read_text())
    assert manifest["rows"] == 10
    assert manifest["recipe"]["config"]["power"] == 2


def test_unfinished_files_of_a_killed_run_are_cleared(world: World) -> None:
    world.run()
    leftovers = [
        world.root / ".tmp-1-spill",
        world.root / "files/.tmp-1-9.txt",
        world.root / "tables/squares/.tmp-1-part",
    ]
    for path in leftovers:
        path.write_text("half")
    (world.root / "tables/squares/part-00002.parquet").unlink()
    world.run()
    assert not any(path.exists() for path in leftovers)


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
