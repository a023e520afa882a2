"""The command that trains; `torchrun --no-python skyscript train` does it in many processes."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pipeline.cli.options import given_of, parser_of
from pipeline.cli.working import interruptible
from pipeline.config import config_of_block
from pipeline.display import LINE_EVERY, console

if TYPE_CHECKING:
    from stages.train.loop import Progress as Step

log = logging.getLogger("skyscript.train")

ABOUT = """\
Train a CLIP on, from pairs of images and captions, with the published options and more.

  skyscript train data/recipes/skyclip_vit_l14_top30.yaml --root-data-dir data --train-data a.csv
  torchrun --no-python --nproc_per_node 4 skyscript train ...       (the same, on four GPUs)

The same command goes on where it stopped, to the same weights. In the run's folder: checkpoints/
(epoch_N.pt as open_clip writes them, results.jsonl), progress.jsonl, and at the end export/, which
open_clip takes as local-dir:."""


def train(context: typer.Context) -> None:
    """Train a CLIP on pairs of images and captions; `--help` has the published options and more."""
    from stages.train.config import TrainConfig

    parser = parser_of(TrainConfig, "skyscript train", ABOUT)
    about = "A YAML file of the same options; the command line goes before it."
    parser.add_argument("recipe", nargs="?", default=None, help=about)
    given = given_of(parser.parse_args(context.args))
    named = given.pop("recipe")
    recipe = Path(named) if named else None
    config = config_of_block(recipe, TrainConfig, given, "skyscript train")
    assert isinstance(config, TrainConfig)
    if config.name is None:
        name = recipe.stem if recipe else Path(config.model.rpartition(":")[2]).name
        config = config.model_copy(update={"name": name})
    from skyscript.clip.source import open_clip_library

    open_clip_library()
    from stages.train.loop import train as learn

    leading = int(os.environ.get("RANK", "0")) == 0
    if not leading:
        for logger in ("skyscript", "stages"):
            logging.getLogger(logger).setLevel(logging.ERROR)
    with interruptible(), _drawing() if leading else _silent() as draw:
        folder = learn(config, draw)
    if leading:
        console.print(f"trained   {escape(str(folder))}", soft_wrap=True)


@contextmanager
def _silent() -> Iterator[Callable[[Any], None]]:
    yield lambda _: None


@contextmanager
def _drawing() -> Iterator[Callable[[Step], None]]:
    """Give what draws progress: a bar on a terminal, elsewhere a line a minute and at each end."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("train", total=None)

            def draw(step: Step) -> None:
                progress.update(
                    task, description=step.line(), total=step.steps, completed=step.step
                )

            yield draw
        return
    said = time.monotonic() - LINE_EVERY

    def line(step: Step) -> None:
        nonlocal said
        if time.monotonic() - said >= LINE_EVERY or step.step == step.steps:
            said = time.monotonic()
            log.info("%s", step.line())

    yield line
