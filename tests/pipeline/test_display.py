"""What a run says where there is no terminal."""

import logging

import pytest

from pipeline.display import Display
from pipeline.events import ShardFailed, ShardFinished, StageDisabled, StageFinished, StageStarted


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
    display.line()
    assert said.messages == []
    display(StageStarted("plan", 5, 2, "first run"))
    display(ShardFinished("plan", 3, 256, 1.5))
    display.line()
    (line,) = said.messages
    assert line.startswith("plan: 1 of 3 parts, ")
    assert "rows/s" in line
