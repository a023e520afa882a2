"""The command that measures how much images are like target images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Fields, Given, command
from pipeline.cli.pairs import PANEL
from pipeline.cli.working import interruptible, print_lines, print_path

if TYPE_CHECKING:
    from stages.normsim import NormSimConfig
    from stages.normsim.job import Targets

app = typer.Typer()


@command(app, Fields("stages.normsim.config:NormSimConfig"), panel=PANEL)
def normsim(
    scored: Annotated[
        Path,
        typer.Argument(
            help="Read the vectors from this folder: a scored run, or what skyscript score wrote."
        ),
    ],
    given: Given,
    targets: Annotated[
        Path | None,
        typer.Option(
            help="Measure the likeness to the images of this folder, such as the training images "
            "of a benchmark. The model must be the one that scored."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Write the columns to this CSV.")] = Path("normsim.csv"),
) -> None:
    """Measure NormSim: how much each image is like target images, and like all the others.

    normsim is the largest cosine of an image with a target, normsim_2 the root mean square of its
    cosines with all targets. normsim_2d needs no targets: it says how long an image stays if those
    that are least like the others are removed round by round. Use a column with skyscript filter
    --join normsim.csv --by normsim.
    """
    from pipeline.config import config_of_block
    from pipeline.run import Run
    from stages import tables
    from stages.normsim import NormSimConfig
    from stages.normsim import normsim as measure

    config = config_of_block(None, NormSimConfig, given, "normsim")
    run = Run(scored)
    name = tables.SCORES.name if tables.SCORES.name in run.tables else tables.PAIR_SCORES.name
    with interruptible():
        looked = _looking(targets, config) if targets else None
        done = measure(scored, run.table(name), out, config, looked)
    print_lines(done.lines())
    print_path("normsim", out)


def _looking(targets: Path, config: NormSimConfig) -> Targets:
    """Give a function that embeds the images of a folder by the model that scored."""
    from stages.normsim.targets import vectors_of

    return lambda folder: vectors_of(targets, config, folder)
