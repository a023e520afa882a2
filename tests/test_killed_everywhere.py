"""kill -9 in every stage: a run that is killed in each of them ends as an undisturbed one.

The moments are files: just before or just after one of a stage gets its name. So they spread over
all stages on any machine, and each time the run begins again it has one stage more to make.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from pipeline.cli.run import TOY
from tests.conftest import content_of
from tests.forking import Forked, fork_server

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

OPTIONS = [
    *("sample.max_objects=20", "sample.shard_rows=5", "runner.executor=serial"),
    *("score.model=tiny", "score.name=tiny", "score.threads=1", "density.cell=0.01"),
    *("filter.top=[50]", "layout.images=tars", "statements.kinds=[count, direction]"),
]
PRELOADED = [
    "pytest",
    "hypothesis",
    "stages",
    "torch",
    "open_clip",
    "duckdb",
    "rasterio",
    "pyarrow.dataset",
    "PIL.Image",
]
"""Imported once for all beginnings of the run."""
KILLS = 20
IN_WORKERS = ["runner.executor=processes", "runner.workers=2"]


class Moment(NamedTuple):
    """When a run is killed: a file of it gets its name."""

    file: str
    """Relative to the run's folder."""
    when: Literal["before", "after"]


def at_once(target: Path, rename: Callable[[], object]) -> None:
    rename()


def make(
    root: Path,
    at_rename: Callable[[Path, Callable[[], object]], object],
    options: Sequence[str] = OPTIONS,
) -> None:
    """Run the town; each file gets its name by a call of ``at_rename``."""
    from pipeline.config import load_config
    from pipeline.runner import run
    from stages import PIPELINE

    replace = Path.replace

    def renamed(self: Path, target: Path) -> Path:
        at_rename(Path(target), lambda: replace(self, target))
        return Path(target)

    Path.replace = renamed  # type: ignore[assignment, method-assign]
    run(PIPELINE, load_config(TOY, PIPELINE, options), root, lambda event: None)


def make_noting_files(root: Path, log: Path) -> None:
    with log.open("w") as file:

        def noted(target: Path, rename: Callable[[], object]) -> None:
            rename()
            if target.is_relative_to(root):
                print(target.relative_to(root).as_posix(), file=file, flush=True)

        make(root, noted)


def make_until(root: Path, moment: Moment | None) -> None:
    def killed(target: Path, rename: Callable[[], object]) -> None:
        is_now = moment is not None and target == root / moment.file
        if is_now and moment is not None and moment.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        rename()
        if is_now:
            os.kill(os.getpid(), signal.SIGKILL)

    make(root, killed)


def in_a_process(work: Callable[..., None], *arguments: object) -> int:
    return begin(work, *arguments).wait()


def begin(work: Callable[..., None], *arguments: object) -> Forked:
    return fork_server(*PRELOADED).start(work, *arguments, out=Path(os.devnull))


def moments_of(files: list[str], chance: random.Random) -> list[Moment]:
    """Choose a moment in each stage, and more in random ones; in the order of the run."""
    stages: dict[str, list[int]] = {}
    current = ""
    for number, name in enumerate(files):
        table = name.split("/")[1] if name.startswith("tables/") else ""
        current = table or current
        if current and files.count(name) == 1:
            stages.setdefault(current, []).append(number)
    chosen = {chance.choice(numbers) for numbers in stages.values()}
    others = sorted({number for numbers in stages.values() for number in numbers} - chosen)
    chosen.update(chance.sample(others, max(0, KILLS - len(chosen))))
    return [Moment(files[at], chance.choice(["before", "after"])) for at in sorted(chosen)]


def test_a_run_killed_in_every_stage_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    pytest.importorskip("open_clip")
    whole, root, log = tmp_path / "whole", tmp_path / "run", tmp_path / "files"
    assert in_a_process(make_noting_files, whole, log) == 0
    moments = moments_of(log.read_text().splitlines(), random.Random(13))
    tables = {path.name for path in (whole / "tables").iterdir()}
    in_tables = {moment.file.split("/")[1] for moment in moments if "tables/" in moment.file}
    assert {"scores", "normalised", "filtered", "images"} <= tables
    assert len(moments) >= KILLS
    for moment in moments:
        assert in_a_process(make_until, root, moment) == -signal.SIGKILL, moment
    assert in_a_process(make_until, root, None) == 0
    assert content_of(root) == content_of(whole)
    assert len(in_tables) > 12
    assert not [*root.rglob(".tmp-*"), *root.glob("image_tars/_*")]


def test_a_run_whose_workers_are_killed_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    whole, root = tmp_path / "whole", tmp_path / "run"
    plain = [*OPTIONS, "score.model=none"]
    assert in_a_process(make, whole, at_once, plain) == 0
    driver = begin(make, root, at_once, [*plain, *IN_WORKERS])
    killed = 0
    for table in ("eligible", "tiles", "images", "match", "meta", "captions"):
        receipts = root / "tables" / table / "_receipts"
        while driver.poll() is None and not list(receipts.glob("0*.json")):
            time.sleep(0.002)
        children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children")
        for pid in children.read_text().split()[-1:] if driver.poll() is None else ():
            os.kill(int(pid), signal.SIGKILL)
            killed += 1
    assert driver.wait() == 0
    assert killed > 2
    assert content_of(root) == content_of(whole)
