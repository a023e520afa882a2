"""Runs of some shards: several at once in one folder, in any order, end as one run does."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import ConfigError, ItemsFailed, LockError
from pipeline.events import StageFinished, StageStarted
from pipeline.locks import exclusive_lock
from pipeline.run import Run
from pipeline.state import Retry
from tests.conftest import REPOSITORY, content_of
from tests.pipeline.recipe import NUMBERS, SQUARES
from tests.pipeline.world import World

MANY = {"upto": 60, "part_rows": 3}
"""Numbers for 20 shards."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the content of one run of all shards."""
    world = World(tmp_path_factory.mktemp("whole") / "run")
    world.run(count=MANY)
    return content_of(world.root)


@pytest.fixture
def counted(tmp_path: Path) -> World:
    """Give a run with the tables before the first shard stage."""
    world = World(tmp_path / "run")
    world.run(only=("count",), count=MANY)
    return world


def test_ranges_in_any_order_and_a_whole_run_end_as_one_run(
    counted: World, expected: dict[str, bytes]
) -> None:
    ranges = [range(first, first + 4) for first in range(0, 24, 4)]
    random.Random(7).shuffle(ranges)
    for chosen in ranges:
        counted.run(shards=chosen, count=MANY)
        assert counted.ran() == [("square", shard) for shard in chosen if shard < 20]
        assert not Run(counted.root).folder(SQUARES).is_whole()
    counted.run(count=MANY)
    assert counted.ran() == [("total", 0)]
    assert content_of(counted.root) == expected


def test_a_range_tells_of_its_own_shards_only(counted: World) -> None:
    with pytest.raises(ItemsFailed, match=r"square shard 1: ValueError: 4 cannot be squared"):
        counted.run(shards=range(2), count=MANY, square={"fail_at": [4]})
    counted.run(shards=range(2, 5), count=MANY, square={"fail_at": [4]})
    [started] = [event for event in counted.events if isinstance(event, StageStarted)]
    [finished] = [event for event in counted.events if isinstance(event, StageFinished)]
    assert (started.shards, started.done) == (3, 0)
    assert (finished.rows, finished.ran) == (9, 3)
    counted.run(shards=range(2, 5), count=MANY, square={"fail_at": [4]})
    assert counted.ran() == []


def test_failed_rows_of_a_range_are_tried_again_alone(counted: World, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    flaky = {"flaky": str(broken)}
    for chosen, keys in ((range(2), "0, 2, 4"), (range(2, 4), "6, 8, 10")):
        with pytest.raises(ItemsFailed, match=rf"square: 3 rows failed .even., .* away: {keys}\n"):
            counted.run(shards=chosen, count=MANY, square=flaky)
    broken.unlink()
    counted.run(shards=range(2), count=MANY, square=flaky, retry=Retry())
    assert counted.ran() == [("square", 0), ("square", 1)]


def test_a_range_leaves_the_files_of_others_alone(counted: World) -> None:
    counted.run(count=MANY, square={"power": 3})
    others = [
        counted.root / name
        for name in (".tmp-a", "files/.tmp-b-9.txt", "tables/squares/.tmp-c-part")
    ]
    for path in others:
        path.touch()
    cubes = set(counted.root.glob("files/*.txt"))
    counted.run(shards=range(1), count=MANY)
    assert counted.ran() == [("square", 0)]
    assert all(path.exists() for path in (*others, *cubes))
    assert len(Run(counted.root).folder(SQUARES).receipts()) == 20
    assert not Run(counted.root).folder(SQUARES).is_whole()


def test_what_a_range_needs_is_named(counted: World, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere: is not the folder of a run; --shards needs"):
        World(tmp_path / "nowhere").run(shards=range(3))
    with pytest.raises(ConfigError, match="count, total needs whole tables: run it without"):
        counted.run(shards=range(3), only=("count", "total"))
    Run(counted.root).folder(NUMBERS).clear()
    needs = "square needs the complete table 'numbers', which .* --until count and without --shards"
    with pytest.raises(ConfigError, match=needs):
        counted.run(shards=range(3))


def test_runs_of_ranges_share_a_folder_but_not_with_a_whole_run(counted: World) -> None:
    here = Run(counted.root)
    with here.shared():
        counted.run(shards=range(2), count=MANY)
        with pytest.raises(LockError, match="another run with --shards uses this folder"):
            counted.run(count=MANY)
    with exclusive_lock(counted.root / "_lock"), pytest.raises(LockError, match=r"process \d+ on"):
        counted.run(shards=range(2), count=MANY)


SCRIPT = """
import sys
from pathlib import Path
from tests.pipeline.world import World

first = int(sys.argv[2])
count = {"upto": 60, "part_rows": 3}
World(Path(sys.argv[1])).run(shards=range(first, first + 7), count=count, square={"pause": 0.01})
"""


@pytest.mark.slow
def test_overlapping_ranges_at_the_same_time_end_as_one_run(
    counted: World, expected: dict[str, bytes]
) -> None:
    array = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(counted.root), str(first)], cwd=REPOSITORY
        )
        for first in (15, 0, 5, 10)
    ]
    assert [task.wait() for task in array] == [0] * 4
    counted.run(count=MANY, square={"pause": 0.01})
    assert [stage for stage, _ in counted.ran()] == ["total"]
    assert content_of(counted.root) == expected
