"""The figures on a run: rows, failures, rate and time left."""

import json
import os
import time
from pathlib import Path

import pytest

from pipeline.damage import revoke_damaged_parts
from pipeline.errors import ItemsFailed
from pipeline.run import Run
from pipeline.summary import RECENT, stage_states, summarise
from tests.pipeline.recipe import RECIPE
from tests.pipeline.test_run import made


def receipts(root: Path, table: str) -> list[Path]:
    return sorted((root / "tables" / table / "_receipts").glob("*.json"))


def test_a_complete_run_writes_its_summary(tmp_path: Path) -> None:
    made(tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["complete"] is True
    assert [(each["stage"], each["rows"]) for each in summary["stages"]] == [
        ("count", 10),
        ("square", 10),
        ("total", 1),
    ]
    assert not any("seconds_left" in each for each in summary["stages"])


def test_the_summary_has_the_same_bytes_for_the_same_tables(tmp_path: Path) -> None:
    for name in "ab":
        made(tmp_path / name)
    assert (tmp_path / "a/summary.json").read_bytes() == (tmp_path / "b/summary.json").read_bytes()


def test_a_damaged_summary_is_named_and_written_again(tmp_path: Path) -> None:
    made(tmp_path)
    path = tmp_path / "summary.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"true", b"trui"))
    assert revoke_damaged_parts(Run(tmp_path), {}) == [path]
    made(tmp_path)
    assert path.read_bytes() == whole


def test_failed_rows_are_counted_by_class(tmp_path: Path) -> None:
    (tmp_path / "flaky").write_text("odd")
    with pytest.raises(ItemsFailed):
        made(tmp_path / "run", flaky=str(tmp_path / "flaky"))
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert sum(summary["failed"].values()) == 5
    (square,) = (each for each in summary["stages"] if each["stage"] == "square")
    assert square["status"] == {"failed": 5, "ok": 5}


def test_the_rate_of_the_last_minutes_gives_the_time_left(tmp_path: Path) -> None:
    with pytest.raises(ItemsFailed):
        made(tmp_path, fail_at=[4])
    now = time.time()
    first, *others = receipts(tmp_path, "squares")
    os.utime(first, (now - 10 * RECENT, now - 10 * RECENT))  # of an earlier run: it does not count
    for path in others:
        os.utime(path, (now - 20, now - 20))
    _, square, _ = stage_states(RECIPE, Run(tmp_path), working=True)
    made_rows = square.totals.rows - 3
    assert square.expected == 10
    assert square.rate == pytest.approx(made_rows / 20, rel=0.1)
    assert square.seconds_left == pytest.approx(3 / (made_rows / 20), rel=0.1)


def test_a_run_that_nobody_works_in_has_no_rate(tmp_path: Path) -> None:
    with pytest.raises(ItemsFailed):
        made(tmp_path, fail_at=[4])
    here = Run(tmp_path)
    assert here.worker() is None
    assert all(state.rate is None for state in stage_states(RECIPE, here, working=False))
    with here.locked_unchanged():
        assert here.worker() == f"process {os.getpid()} on {os.uname().nodename}"
    assert summarise(RECIPE, here, working=False)["complete"] is False
