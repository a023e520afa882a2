"""A run's tables by name, as a notebook opens them: without the recipe."""

import pickle
from pathlib import Path

import pytest

from pipeline.config import parse_config
from pipeline.errors import InputError, ItemsFailed
from pipeline.run import Run
from pipeline.runner import run
from tests.pipeline.recipe import NUMBERS, RECIPE, SQUARES


def made(root: Path, **square: object) -> Run:
    """Give the run of the small recipe in a folder."""
    given = {"square": square, "runner": {"executor": "serial"}}
    run(RECIPE, parse_config(given, RECIPE, base=root, where="test"), root, lambda event: None)
    return Run(root)


def test_complete_tables_are_listed_and_opened_by_name_with_the_schema_on_disk(
    tmp_path: Path,
) -> None:
    here = made(tmp_path)
    assert here.tables == ["numbers", "squares", "sum"]
    squares = here.table("squares")
    assert squares.schema.equals(SQUARES.schema)
    assert squares.to_table(columns=["n"])["n"].to_pylist() == list(range(10))


def test_a_table_that_is_missing_or_unfinished_is_refused_with_those_there_are(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=r"nowhere: there is no such folder of a run"):
        Run(tmp_path / "nowhere").table("sum")
    with pytest.raises(InputError, match=r"no complete table 'sum' \(complete tables: none\)"):
        Run(tmp_path).table("sum")
    with pytest.raises(ItemsFailed):
        made(tmp_path, fail_at=[4])
    for name in ("squares", "sum"):
        with pytest.raises(InputError, match=rf"no complete table '{name}' .*tables: numbers\)"):
            Run(tmp_path).table(name)


def test_a_folder_is_a_run_once_a_run_began_in_it(tmp_path: Path) -> None:
    assert not Run(tmp_path).exists()
    assert made(tmp_path).exists()


def test_a_worker_gets_a_run_and_reads_what_is_on_disk_then(tmp_path: Path) -> None:
    sent = pickle.loads(pickle.dumps(Run(tmp_path)))
    assert sent.incomplete([NUMBERS, SQUARES]) == ["numbers", "squares"]
    made(tmp_path)
    assert sent.incomplete([NUMBERS, SQUARES]) == []
    assert sent.parts([NUMBERS], 1)["numbers"]["n"].to_pylist() == [3, 4, 5]
