"""What the commands that work have in common: their options, and ending in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pipeline.config import RunConfig
from pipeline.display import console, display
from pipeline.runner import run
from pipeline.stage import Stage
from pipeline.state import Retry

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.KEY=VALUE", help="Set a key of the config; repeatable."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Worker processes. [default: one a CPU]", show_default=False),
]

ClipName = Annotated[
    str, typer.Option(help="An open_clip architecture, local-dir:FOLDER, hf-hub:..., or tiny.")
]
Again = Annotated[bool, typer.Option("--retry", help="Try failed rows once more.")]


def run_job(
    recipe: Sequence[Stage],
    config: RunConfig,
    root: Path,
    only: Sequence[str] = (),
    *,
    retry: Retry | None = None,
) -> None:
    """Run stages with their progress drawn."""
    with interruptible(), display() as draw:
        run(recipe, config, root, draw, only=only, retry=retry)


@contextmanager
def counting_vectors(root: Path) -> Iterator[None]:
    """Say at the end, also after an error, how many vectors were computed: from what is kept."""
    from skyscript.clip.vectors.store import count_vectors

    before = count_vectors(root)
    try:
        yield
    finally:
        after = count_vectors(root)
        if after.images or after.texts:
            console.print(
                f"vectors   computed now: {after.images - before.images:,} of images, "
                f"{after.texts - before.texts:,} of texts; kept from before: {before.images:,} and "
                f"{before.texts:,}",
                soft_wrap=True,
            )


@contextmanager
def interruptible() -> Iterator[None]:
    """End in order where the user interrupts; DuckDB says it in an error of its own."""
    try:
        yield
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "interrupted" not in str(error).lower():
            raise
        console.print("interrupted; run the same command again to go on")
        raise typer.Exit(130) from None


def with_workers(overrides: list[str] | None, workers: int | None) -> list[str]:
    """Give the overrides, the option --workers among them."""
    return [*(overrides or []), *([f"runner.workers={workers}"] if workers else [])]
