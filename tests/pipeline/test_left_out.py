"""Stages that a config leaves out: not run, said once, and nothing of them stays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline import left_out
from pipeline.config import parse_config
from pipeline.errors import ConfigError
from pipeline.events import Event, StageFinished, StageLeftOut
from pipeline.runner import run
from pipeline.schema import Table
from pipeline.stage import DatasetStage, StageConfig
from pipeline.state import is_current
from tests.pipeline.recipe import COUNT, NUMBERS, SQUARE, SUM, TOTAL, SquareConfig

WORDS = Table("words", pa.schema([pa.field("word", pa.string(), nullable=False)]), key="word")


def unless_even(config: SquareConfig) -> str | None:
    return None if config.power % 2 == 0 else "the power is odd"


def tell(
    numbers: ds.Dataset, sum: ds.Dataset | None = None, *, config: StageConfig, root: Path
) -> Iterator[pa.Table]:
    total = "no sum" if sum is None else str(sum.to_table()["sum"][0])
    yield pa.table({"word": [f"{numbers.count_rows()} numbers, {total}"]}, schema=WORDS.schema)


RECIPE = (
    COUNT,
    replace(SQUARE, left_out=unless_even),
    TOTAL,
    DatasetStage("tell", tell, StageConfig, reads=(NUMBERS,), may_read=(SUM,), writes=WORDS),
)


def told(root: Path, power: int, *only: str) -> tuple[str, list[Event]]:
    """Run, and give what the last stage tells, and the events."""
    given = {"square": {"power": power}, "runner": {"executor": "serial"}}
    events: list[Event] = []
    run(RECIPE, parse_config(given, RECIPE, base=root, where="x"), root, events.append, only=only)
    words = ds.dataset(root / "tables/words").to_table()["word"].to_pylist()
    return words[0], events


def test_a_stage_that_may_read_a_table_is_given_it_where_it_is_made(tmp_path: Path) -> None:
    assert told(tmp_path, 2)[0] == "10 numbers, 285"
    assert told(tmp_path, 3)[0] == "10 numbers, no sum"
    assert told(tmp_path, 4)[0] == "10 numbers, 15333"


def test_what_is_left_out_is_said_with_what_needs_it(tmp_path: Path) -> None:
    _, events = told(tmp_path, 3)
    assert [event for event in events if isinstance(event, StageLeftOut)] == [
        StageLeftOut("square", ("total",), "the power is odd")
    ]
    ran = [event.stage for event in events if isinstance(event, StageFinished)]
    assert ran == ["count", "tell"]
    assert left_out.noted(tmp_path) == ["square", "total"]


def test_a_run_of_single_stages_removes_nothing(tmp_path: Path) -> None:
    told(tmp_path, 2)
    before = sorted((tmp_path / "files").iterdir())
    told(tmp_path, 3, "tell")
    assert sorted((tmp_path / "files").iterdir()) == before
    assert is_current(TOTAL, tmp_path)


def test_nothing_of_an_earlier_config_stays(tmp_path: Path) -> None:
    told(tmp_path, 2)
    assert list((tmp_path / "files").iterdir())
    told(tmp_path, 3)
    assert not list((tmp_path / "files").iterdir())
    assert not (tmp_path / "tables/squares").exists()
    assert not (tmp_path / "tables/sum").exists()


def test_a_second_run_without_them_computes_nothing_and_is_complete(tmp_path: Path) -> None:
    told(tmp_path, 3)
    _, events = told(tmp_path, 3)
    assert {event.ran for event in events if isinstance(event, StageFinished)} == {0}
    used = left_out.in_use(RECIPE, left_out.noted(tmp_path))
    assert [stage.name for stage in used if is_current(stage, tmp_path)] == ["count", "tell"]


def test_a_stage_left_out_cannot_be_run_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the power is odd"):
        told(tmp_path, 3, "total")
