"""Shared parts of the commands: options, progress, printing, and interrupts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigError
from pipeline.interrupts import Interrupted, raise_interrupted
from pipeline.progress import console, display

if TYPE_CHECKING:
    from pipeline.config import RunConfig
    from pipeline.stage import Stage
    from pipeline.state import Retry
    from pipeline.storage import Place

RetryFailed = Annotated[
    bool, typer.Option("--retry", help="Try again the rows that failed in an earlier run.")
]


def run_job(
    recipe: Sequence[Stage],
    config: RunConfig,
    root: Place,
    only: Sequence[str] = (),
    *,
    retry: Retry | None = None,
    shards: range | None = None,
) -> None:
    """Run stages and show their progress."""
    from pipeline.runner import run

    with interruptible(), display() as show:
        command = ["skyscript", *sys.argv[1:]]
        run(recipe, config, root, show, only=only, retry=retry, shards=shards, command=command)


def retry_all(retry: bool) -> Retry | None:
    """Give the rows to retry for the option --retry."""
    from pipeline.state import Retry

    return Retry() if retry else None


@contextmanager
def counting_vectors(root: Place) -> Iterator[None]:
    """Print at the end, also after an error, how many vectors were there and how many are new."""
    from skyscript.clip.vectors.store import count_vectors

    before = count_vectors(root)
    try:
        yield
    finally:
        after = count_vectors(root)
        if after.images or after.texts:
            console.print(
                f"vectors   stored now: {after.images - before.images:,} of images, "
                f"{after.texts - before.texts:,} of texts; stored before: {before.images:,} and "
                f"{before.texts:,}",
                soft_wrap=True,
            )


@contextmanager
def interruptible() -> Iterator[None]:
    """Exit with one sentence after a signal, also if DuckDB raises its own error."""
    try:
        with raise_interrupted():
            yield
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "interrupted" not in str(error).lower():
            raise
        console.print("interrupted; run the same command again to continue")
        code = error.exit_code if isinstance(error, Interrupted) else 130
        raise typer.Exit(code) from None


def degrees(option: str, text: str, count: int) -> list[float]:
    """Read longitudes and latitudes in turn, with commas between; raises `ConfigError`."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    limits = [180.0, 90.0] * (count // 2)
    fits = all(abs(number) <= limit for number, limit in zip(numbers, limits, strict=False))
    if len(numbers) != count or not fits:
        form = "LON,LAT" if count == 2 else "W,S,E,N"
        raise ConfigError(f"{option} {text}: write it as {form}, in degrees")
    return numbers


def no_stage(name: str, names: Iterable[str]) -> ConfigError:
    """Give the error for a name that no stage has."""
    return ConfigError(f"there is no stage {name!r}; the stages are {', '.join(names)}")


def print_lines(lines: Sequence[str]) -> None:
    """Print lines to the console unchanged."""
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)


def print_path(label: str, path: Place) -> None:
    """Print the path of a result, with a label of up to nine letters."""
    console.print(f"{label:9} {path}", soft_wrap=True, markup=False)
