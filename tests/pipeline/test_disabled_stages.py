"""Stages that a config disables: they do not run, one event names them, nothing of them stays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline import disabled_stages
from pipeline.config import parse_config
from pipeline.errors import ConfigError
from pipeline.events import Event, StageDisabled, StageFinished
from pipeline.run import Run
from pipeline.runner import run
from pipeline.schema import Table
from pipeline.stage import DatasetStage, Shard, ShardStage, StageConfig
from pipeline.state import is_current
from pipeline.summary import stage_states
from stages import PIPELINE
from tests.pipeline.recipe import COUNT, NUMBERS, SQUARE, SUM, TOTAL, SquareConfig

WORDS = Table("words", pa.schema([pa.field("word", pa.string(), nullable=False)]), key="word")


def unless_even(config: SquareConfig) -> str | None:
    return None if config.power % 2 == 0 else "the power is odd"


def tell(
    numbers: ds.Dataset, sum: ds.Dataset | None = None, *, config: StageConfig, root: Path
) -> Iterator[pa.Table]:
    total = "no sum" if sum is None else str(sum.to_table()["sum"][0])
    yield pa.table({"word": [f"{numbers.count_rows()} numbers, {total}"]}, schema=WORDS.schema)


def look(
    numbers: pa.Table, sum: ds.Dataset | None = None, *, config: StageConfig, shard: Shard
) -> pa.Table:
    total = "no sum" if sum is None else str(sum.to_table()["sum"][0])
    return pa.table({"word": [f"{len(numbers)} numbers, {total}"]}, schema=WORDS.schema)


RECIPE = (
    COUNT,
    replace(SQUARE, disabled=unless_even),
    TOTAL,
    DatasetStage("tell", tell, StageConfig, reads=(NUMBERS,), may_read=(SUM,), writes=WORDS),
)


def run_and_read(root: Path, power: int, *only: str) -> tuple[str, list[Event]]:
    """Run; give the sentence that the last stage writes, and the events."""
    given = {"square": {"power": power}, "runner": {"executor": "serial"}}
    events: list[Event] = []
    run(RECIPE, parse_config(given, RECIPE, base=root, where="x"), root, events.append, only=only)
    words = ds.dataset(root / "tables/words").to_table()["word"].to_pylist()
    return words[0], events


def test_a_stage_that_may_read_a_table_is_given_it_where_it_is_made(tmp_path: Path) -> None:
    assert run_and_read(tmp_path, 2)[0] == "10 numbers, 285"
    assert run_and_read(tmp_path, 3)[0] == "10 numbers, no sum"
    assert run_and_read(tmp_path, 4)[0] == "10 numbers, 15333"


def test_a_shard_may_look_up_a_table_where_it_is_made(tmp_path: Path) -> None:
    looking = ShardStage(
        "tell", look, StageConfig, reads=(NUMBERS,), may_look_up=(SUM,), writes=WORDS
    )
    recipe = (*RECIPE[:3], looking)
    for power, expected in ((2, "285"), (3, "no sum")):
        given = {"square": {"power": power}, "runner": {"executor": "serial"}}
        run(recipe, parse_config(given, recipe, base=tmp_path, where="x"), tmp_path, print)
        words = ds.dataset(tmp_path / "tables/words").to_table()["word"].to_pylist()
        assert {word.partition(", ")[2] for word in words} == {expected}
        assert stage_states(recipe, Run(tmp_path), working=False)


@pytest.mark.parametrize("power", [2, 3])
def test_a_stage_that_may_read_a_table_is_complete_with_and_without_it(
    tmp_path: Path, power: int
) -> None:
    run_and_read(tmp_path, power)
    *_, last = stage_states(RECIPE, Run(tmp_path), working=False)
    assert (last.stage, last.state) == ("tell", "complete")


def test_an_event_names_a_disabled_stage_and_those_that_need_it(tmp_path: Path) -> None:
    _, events = run_and_read(tmp_path, 3)
    assert [event for event in events if isinstance(event, StageDisabled)] == [
        StageDisabled("square", ("total",), "the power is odd")
    ]
    ran = [event.stage for event in events if isinstance(event, StageFinished)]
    assert ran == ["count", "tell"]
    assert Run(tmp_path).disabled_stages() == ["square", "total"]


def test_a_run_of_single_stages_removes_nothing(tmp_path: Path) -> None:
    run_and_read(tmp_path, 2)
    before = sorted((tmp_path / "files").iterdir())
    run_and_read(tmp_path, 3, "tell")
    assert sorted((tmp_path / "files").iterdir()) == before
    assert is_current(TOTAL, Run(tmp_path))


def test_nothing_of_an_earlier_config_stays(tmp_path: Path) -> None:
    run_and_read(tmp_path, 2)
    assert list((tmp_path / "files").iterdir())
    run_and_read(tmp_path, 3)
    assert not list((tmp_path / "files").iterdir())
    assert not (tmp_path / "tables/squares").exists()
    assert not (tmp_path / "tables/sum").exists()


def test_a_second_run_without_them_computes_nothing_and_is_complete(tmp_path: Path) -> None:
    run_and_read(tmp_path, 3)
    _, events = run_and_read(tmp_path, 3)
    assert {event.ran for event in events if isinstance(event, StageFinished)} == {0}
    used = disabled_stages.find_used(RECIPE, Run(tmp_path).disabled_stages())
    assert [stage.name for stage in used if is_current(stage, Run(tmp_path))] == ["count", "tell"]


def test_a_disabled_stage_cannot_be_run_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the power is odd"):
        run_and_read(tmp_path, 3, "total")


def test_a_table_that_a_config_needs_and_another_key_disables_is_named_first(
    tmp_path: Path,
) -> None:
    words = replace(RECIPE[3], needs=lambda config: {"sum": "tell.total"})
    recipe = (*RECIPE[:3], words)
    given = {"square": {"power": 3}, "runner": {"executor": "serial"}}
    config = parse_config(given, recipe, base=tmp_path, where="x")
    message = "^tell.total needs the table 'sum', which is off: the power is odd$"
    with pytest.raises(ConfigError, match=message):
        run(recipe, config, tmp_path, lambda event: None)
    assert not (tmp_path / "tables").exists()
    run(recipe, config, tmp_path, lambda event: None, only=["count"])


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"filter": {"shown": "yes"}, "score": {"model": "tiny"}}, "filter.shown: yes needs"),
        (
            {"statements": {"kinds": ["count", "not_present"]}},
            "statements.kinds: not_present needs",
        ),
    ],
)
def test_what_needs_truth_is_refused_before_the_run(
    tmp_path: Path, block: dict[str, object], message: str
) -> None:
    given = {"extract": {"path": "town.osm.pbf"}, **block}
    config = parse_config(given, PIPELINE, base=tmp_path, where="x")
    with pytest.raises(ConfigError, match=f"{message} the table 'truth', .*set density.cell to"):
        run(PIPELINE, config, tmp_path / "run", lambda event: None)
