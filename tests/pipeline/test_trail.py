"""One row's way through the tables of a run: few parts are read, and none twice."""

from pathlib import Path

import pytest

from pipeline.errors import InputError, ItemsFailed
from pipeline.run import Run
from pipeline.trail import follow
from tests.pipeline.recipe import RECIPE
from tests.pipeline.test_run import made


def destroy(root: Path, table: str, *parts: int) -> None:
    for part in parts:
        path = root / "tables" / table / f"part-{part:05d}.parquet"
        path.write_bytes(bytes(path.stat().st_size))


def test_a_row_is_found_in_each_table_with_its_part(tmp_path: Path) -> None:
    steps = follow(RECIPE, made(tmp_path), "n", 4)
    assert [(step.stage.writes.name, step.part) for step in steps] == [
        ("numbers", 1),
        ("squares", 1),
    ]
    assert steps[1].row is not None
    assert steps[1].row["square"] == 16


def test_a_table_made_part_by_part_is_read_in_the_part_of_the_row_only(tmp_path: Path) -> None:
    made(tmp_path)
    destroy(tmp_path, "squares", 0, 2, 3)
    assert follow(RECIPE, Run(tmp_path), "n", 4)[1].part == 1
    with pytest.raises(InputError, match=r"part-00000.parquet: cannot be read .*skyscript verify"):
        follow(RECIPE, Run(tmp_path), "n", 0)


def test_a_row_that_a_later_table_lacks_may_still_come(tmp_path: Path) -> None:
    with pytest.raises(ItemsFailed):
        made(tmp_path, fail_at=[4])
    numbers, squares = follow(RECIPE, Run(tmp_path), "n", 4)
    assert (numbers.part, numbers.is_complete) == (1, True)
    assert (squares.part, squares.row, squares.is_complete) == (None, None, False)


def test_a_row_that_is_nowhere_has_no_part(tmp_path: Path) -> None:
    assert all(step.row is None for step in follow(RECIPE, made(tmp_path), "n", 77))
