"""The command `skyscript download`: the artefacts that SkyScript's authors published."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from pipeline.cli.working import interruptible
from pipeline.config import config_of_block, with_overrides
from pipeline.display import LINE_EVERY, console, log, print_plainly
from pipeline.errors import ConfigError, ItemsFailed

if TYPE_CHECKING:
    from stages.download import Progress

Check = Literal["content", "sizes"]
Zips = Literal["remove", "keep"]


def download(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="Names (images2, aid, ckpt/SkyCLIP_ViT_B32_top50pct), kinds (images, meta, "
            "captions, benchmark, checkpoint) or patterns ('*top30pct*').",
            show_default=False,
        ),
    ] = None,
    to: Annotated[Path, typer.Option(help="Destination folder.")] = Path("data"),
    listing: Annotated[
        bool, typer.Option("--list", help="List the files that NAME... selects, or all files.")
    ] = False,
    base_url: Annotated[
        str | None, typer.Option(help="Address of a mirror. [default: the published address]")
    ] = None,
    connections: Annotated[
        int | None, typer.Option(help="Files to fetch, check or unpack at once. [default: 6]")
    ] = None,
    zips: Annotated[
        Zips, typer.Option(help="Whether to remove or keep a zip after it is unpacked.")
    ] = "remove",
    check: Annotated[
        Check,
        typer.Option(help="How to verify files that already exist: by checksum or by size only."),
    ] = "content",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set another key: limits.max_bytes, say."),
    ] = None,
) -> None:
    """Download the published images, metas, captions, benchmarks and checkpoints.

    A run that was interrupted or killed continues where it stopped. A second run only checks the
    files. A CSV is stored in the destination folder itself; images2.zip is unpacked into images2/,
    and benchmark/aid.zip into benchmark/aid/.
    """
    from stages.download import DownloadConfig, choose
    from stages.download import download as bring

    if listing:
        _list(names or [])
        return
    if not names:
        raise ConfigError("name the files to fetch; skyscript download --list shows what there is")
    given = {"base_url": base_url, "connections": connections, "zips": zips, "check": check}
    block = {key: value for key, value in given.items() if value is not None}
    keys = with_overrides(block, overrides or [])
    config = config_of_block(None, DownloadConfig, keys, "download")
    assert isinstance(config, DownloadConfig)
    with interruptible(), _drawn() as tell:
        outcomes = bring(choose(names), to, config, tell)
    for outcome in outcomes:
        line = f"{outcome.status:8} {outcome.artefact.name}: {outcome.message}"
        console.print(escape(line), soft_wrap=True)
    if failed := [outcome.artefact.name for outcome in outcomes if outcome.status == "failed"]:
        raise ItemsFailed(
            f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}. The other files "
            "are complete; run the same command again."
        )


def _list(names: list[str]) -> None:
    """Print a line an artefact: what to call it, its kind, its size where known, what for."""
    from stages.download import CATALOGUE, choose

    chosen = choose(names) if names else CATALOGUE
    width = max(len(artefact.name) for artefact in chosen)
    for artefact in chosen:
        about = f", about {artefact.size / 1e9:,.0f} GB" if artefact.size else ""
        print_plainly(f"{artefact.name:{width}}  {artefact.kind:10}  {artefact.purpose}{about}")


@contextmanager
def _drawn() -> Iterator[Callable[[Progress], None]]:
    """Give what draws progress: a bar a file on a terminal, a line a minute elsewhere."""
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        yield _Drawing(bars)


class _Drawing:
    """A bar for each file and phase; it goes when the phase is over."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._lock = threading.Lock()
        self._tasks: dict[str, tuple[str, TaskID]] = {}

    def __call__(self, progress: Progress) -> None:
        name, phase, done, total = progress
        with self._lock:
            before = self._tasks.get(name)
            if before is None or before[0] != phase:
                if before is not None:
                    self._bars.remove_task(before[1])
                words = escape(f"{phase:6} {name.rpartition('/')[2]}")
                self._tasks[name] = phase, self._bars.add_task(words, total=total)
            task = self._tasks[name][1]
            if total is not None and done >= total:
                self._bars.update(task, completed=done, total=total, visible=False)
            else:
                self._bars.update(task, completed=done, total=total)


class _Lines:
    """A line a minute for each file."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._last.setdefault(progress.name, self._begun) < LINE_EVERY:
                return
            self._last[progress.name] = now
        total = f" of {progress.total / 1e6:,.0f}" if progress.total else ""
        log.info("%s: %s, %.0f%s MB", progress.name, progress.phase, progress.done / 1e6, total)
