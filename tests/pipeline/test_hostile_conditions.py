"""Clocks that jump, folders that cannot be written, receipts and parts that lost each other."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import parse_config
from pipeline.errors import StorageError
from pipeline.events import Event, StageFinished
from pipeline.runner import run
from tests.conftest import content_of
from tests.pipeline.recipe import RECIPE

NOBODY = 65534


def build(root: Path, **blocks: object) -> dict[str, int]:
    """Build the recipe's run; give the number of parts that each stage made."""
    config = parse_config(
        {"runner": {"executor": "serial"}, **blocks}, RECIPE, base=root, where="test"
    )
    events: list[Event] = []
    run(RECIPE, config, root, events.append)
    return {event.stage: event.ran for event in events if isinstance(event, StageFinished)}


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    build(tmp_path / "whole")
    return content_of(tmp_path / "whole")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    build(tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("when", [0, 4_000_000_000])
def test_times_of_files_in_the_past_or_in_the_future_mean_nothing(root: Path, when: int) -> None:
    before = content_of(root)
    for path in root.rglob("*"):
        os.utime(path, (when, when))
    assert set(build(root).values()) == {0}
    part = root / "tables/numbers/part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    os.utime(part, (when, when))
    assert build(root)["count"] > 0
    assert content_of(root) == before


@pytest.mark.parametrize("table", ["numbers", "squares", "sum"])
@pytest.mark.parametrize("lost", ["part-*", "_receipts/*", "_manifest.json", "_recipe.json"])
def test_what_a_table_lost_is_made_again(
    root: Path, whole: dict[str, bytes], table: str, lost: str
) -> None:
    for path in (root / "tables" / table).glob(lost):
        path.unlink()
    build(root)
    assert content_of(root) == whole


@pytest.mark.parametrize("table", ["numbers", "squares"])
@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_a_part_that_was_cut_off_is_made_again(
    root: Path, whole: dict[str, bytes], table: str, left: int
) -> None:
    part = root / "tables" / table / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:left])
    build(root)
    assert content_of(root) == whole


def test_a_part_without_a_receipt_that_no_shard_makes_goes_when_the_table_is_made(
    root: Path, whole: dict[str, bytes]
) -> None:
    folder = root / "tables/squares"
    (folder / "part-00077.parquet").write_bytes((folder / "part-00001.parquet").read_bytes())
    (folder / "_receipts/00001.json").unlink()
    build(root)
    assert content_of(root) == whole


def as_nobody(work: Callable[[], object]) -> str:
    """Do some work as a user without rights, in a child; give the message of its error."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        message = ""
        try:
            if os.geteuid() == 0:
                os.setresuid(NOBODY, NOBODY, NOBODY)
            work()
        except StorageError as error:
            message = str(error)
        except BaseException:
            message = traceback.format_exc()
        os.write(writing, message.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        message = pipe.read()
    os.waitpid(pid, 0)
    return message


def give_away(root: Path) -> None:
    """Let the run belong to the user without rights."""
    for path in [root, *root.rglob("*")] if os.geteuid() == 0 else []:
        os.chown(path, NOBODY, NOBODY)
    for folder in root.parents:
        if folder == root.parent or folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)


def test_a_run_folder_that_cannot_be_written_is_one_sentence(root: Path) -> None:
    before = content_of(root)
    give_away(root)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    message = as_nobody(lambda: build(root, square={"power": 3}))
    assert "cannot be written: Permission denied" in message
    assert message.startswith(str(root))
    assert "\n" not in message
    assert content_of(root) == before
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755)


@pytest.mark.slow
def test_rights_that_are_lost_midway_lose_nothing_else(root: Path, whole: dict[str, bytes]) -> None:
    (root / "tables/sum/part-00000.parquet").unlink()
    give_away(root)
    (root / "tables/sum").chmod(0o555)
    message = as_nobody(lambda: build(root))
    assert "cannot be written: Permission denied" in message
    assert "\n" not in message
    (root / "tables/sum").chmod(0o755)
    assert as_nobody(lambda: build(root)) == ""
    assert content_of(root) == whole
