"""What a run does: what is missing, and no more."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.config import parse_config
from pipeline.errors import ItemsFailed
from pipeline.events import StageFinished
from pipeline.run import Run
from pipeline.runner import run
from pipeline.schema import Table
from pipeline.stage import DatasetStage, Owned, Shard, StageConfig
from tests.pipeline.recipe import COUNT, SQUARE, SQUARES, SquareConfig, square
from tests.pipeline.world import World


def test_a_first_run_makes_every_part_and_a_second_one_none(world: World) -> None:
    world.run()
    assert world.sum() == sum(n * n for n in range(10))
    assert world.ran().count(("square", 3)) == 1
    world.run()
    assert world.ran() == []
    assert {e.ran for e in world.events if isinstance(e, StageFinished)} == {0}


@pytest.mark.slow
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


def test_a_table_with_another_key_may_have_any_number_of_rows_for_each(world: World) -> None:
    divisors = Table("divisors", pa.schema([pa.field("pair", pa.string(), nullable=False)]), "pair")

    def divide(numbers: pa.Table, *, config: SquareConfig, shard: Shard) -> pa.Table:
        pairs = [f"{n}/{d}" for n in numbers["n"].to_pylist() for d in (1, 2, 5) if n % d == 0]
        return pa.table({"pair": pairs}, schema=divisors.schema)

    stage = replace(SQUARE, run=divide, writes=divisors, owns=(), by_row=False)
    run((COUNT, stage), world.config(), world.root, lambda event: None)
    assert Run(world.root).table("divisors").count_rows() == 17


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
