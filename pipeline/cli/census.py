"""The command census: what OSM files hold and where, before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import Fields, Given, command
from pipeline.cli.run import PANEL
from pipeline.cli.working import interruptible, print_path
from pipeline.progress import display, print_plainly

app = typer.Typer()


@command(app, Fields("stages.census:CensusConfig"), panel=PANEL)
def census(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Count these OSM files.")],
    given: Given,
    out: Annotated[Path, typer.Option(help="Write the tables to this folder.")] = Path("census"),
    config: Annotated[
        Path | None,
        typer.Option(help="Take the sources of images from the config of a run, in this file."),
    ] = None,
) -> None:
    """Count the tags and the occupied cells of OSM files, in one pass without geometries.

    It says what a run on these files can expect before it starts: which tags there are, how many
    cells can be drawn, and what the sources of images cover.
    """
    from pipeline.config import config_of_block, load_config
    from stages import PIPELINE
    from stages.census import CensusConfig
    from stages.census import census as count
    from stages.outlines import OutlinesConfig

    images = OutlinesConfig.model_validate({})
    if config is not None:
        block = load_config(config, PIPELINE).stages["outlines"]
        images = OutlinesConfig.model_validate(dict(block))
    settings = config_of_block(None, CensusConfig, given, "census")
    with interruptible(), display() as show:
        done = count(files, out, settings, images.sources, show)
    print_plainly("\n".join(done.lines))
    print_path("census", out)
