"""What a run says where there is no terminal."""

import io
import logging

import pytest
from rich.console import Console
from rich.progress import Progress

from pipeline.events import (
    ShardFailed,
    ShardFinished,
    StageDisabled,
    StageFinished,
    StageStarted,
    TaskProgress,
)
from pipeline.progress import Display


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_a_stage_that_is_done_is_one_line(said: pytest.LogCaptureFixture) -> None:
    display = Display(None)
    display(StageStarted("plan", 3, 3, "done"))
    display(StageFinished("plan", 700, {"ok": 700}, {}, 0, 0.01))
    assert said.messages == ["plan             700 rows  already done"]


def test_work_is_said_with_its_cause_its_failures_and_its_outcome(
    said: pytest.LogCaptureFixture,
) -> None:
    display = Display(None)
    display(StageStarted("plan", 3, 1, "changed: shift 0.25 -> 0.3"))
    display(ShardFailed("plan", 2, "ValueError: [red] not a colour"))
    reasons = {f"reason {n}": 6 - n for n in range(6)}
    display(StageFinished("plan", 700, {"ok": 679, "filtered": 21}, reasons, 2, 61.04))
    assert said.messages == [
        "plan: changed: shift 0.25 -> 0.3",
        "plan shard 2 failed: ValueError: [red] not a colour",
        "plan             700 rows  679 ok, 6 reason 0, 5 reason 1, 4 reason 2, 3 reason 3, "
        "2 more reasons, 61.0 s",
    ]


def test_a_stage_that_is_left_out_is_one_line(said: pytest.LogCaptureFixture) -> None:
    Display(None)(StageDisabled("score", ("normalise", "filter"), "the config names no model"))
    assert said.messages == ["left out: score, normalise, filter: the config names no model"]


def test_a_line_of_progress_counts_this_runs_parts(said: pytest.LogCaptureFixture) -> None:
    display = Display(None)
    display.log_lines()
    assert said.messages == []
    display(StageStarted("plan", 5, 2, "first run"))
    display(ShardFinished("plan", 3, 256, 1.5))
    display.log_lines()
    (line,) = said.messages
    assert line.startswith("plan: 1 of 3 parts, ")
    assert "rows/s" in line


def test_progress_is_measured_in_rows_where_they_are_known(said: pytest.LogCaptureFixture) -> None:
    display = Display(None)
    display(StageStarted("plan", 5, 2, "first run", 1256))
    display(ShardFinished("plan", 3, 90, 1.5, 1000))  # it may write fewer rows than it reads
    display(ShardFailed("plan", 4, "ValueError: x", 200))
    display.log_lines()
    assert said.messages[-1].startswith("plan: 1,200 of 1,256 rows, ")
    display(StageStarted("count", None, 0, "first run"))
    display(ShardFinished("count", 0, 90, 1.5))
    display.log_lines()
    assert said.messages[-1].startswith("count: 90 rows, ")


def test_a_line_of_a_file_counts_what_this_command_fetched(said: pytest.LogCaptureFixture) -> None:
    display = Display(None)
    display(TaskProgress("images2", "fetch", 400_000_000, 900_000_000, "bytes"))
    display(TaskProgress("images2", "fetch", 600_000_000, 900_000_000, "bytes"))
    display.log_lines()
    (line,) = said.messages
    assert line.startswith("fetch images2: 600 of 900 MB, ")
    assert "MB/s" in line
    display.log_lines()
    assert said.messages == [line]  # nothing has happened since


def test_another_phase_of_a_file_begins_anew(said: pytest.LogCaptureFixture) -> None:
    display = Display(None)
    display(TaskProgress("images2", "fetch", 5_000_000, 9_000_000, "bytes"))
    display(TaskProgress("images2", "check", 0, None, "bytes"))
    display.log_lines()
    (line,) = said.messages
    assert line.startswith("check images2: 0 MB, ")


def test_a_training_logs_its_last_state_at_its_end(said: pytest.LogCaptureFixture) -> None:
    display = Display(None)
    display(TaskProgress("train", "", 10, 20, "steps", "loss 2.5"))
    assert said.messages == []
    display(TaskProgress("train", "", 20, 20, "steps", "loss 1.5"))
    display.log_lines()
    (line,) = said.messages
    assert line.startswith("train: 20 of 20 steps, loss 1.5, ")


def test_bars_show_each_task_until_it_ends(said: pytest.LogCaptureFixture) -> None:
    with Progress(console=Console(file=io.StringIO()), disable=True) as bars:
        display = Display(bars)
        display(StageStarted("plan", 5, 2, "first run"))
        display(ShardFinished("plan", 3, 256, 1.5))
        display(TaskProgress("[red].zip", "fetch", 1_000_000, None, "bytes"))
        plan, file = bars.tasks
        assert (plan.completed, plan.total) == (1, 3)
        assert plan.fields["state"].startswith("1 of 3 parts")
        assert file.description == r"fetch \[red].zip"
        display(StageFinished("plan", 256, {"ok": 256}, {}, 1, 1.5))
        display(TaskProgress("[red].zip", "fetch", 2_000_000, 2_000_000, "bytes"))
        assert bars.tasks == []
