"""The command that finds the images of benchmarks in a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import Fields, Given, command
from pipeline.cli.pairs import PANEL
from pipeline.cli.working import interruptible, print_lines, print_path
from pipeline.progress import display

app = typer.Typer()


@command(app, Fields("stages.leakage.config:LeakageConfig"), panel=PANEL)
def leakage(
    run: Annotated[Path, typer.Argument(help="Look at the images of the run in this folder.")],
    given: Given,
    benchmark: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Look for the images of these folders: benchmarks, with any folders inside, or "
            "other runs."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Write the pairs, the figures and the list to this folder.")
    ] = Path("leakage"),
) -> None:
    """Find images that training must not see, because a benchmark shows the same.

    Images are compared by bytes and pixels, as near-duplicates (cropped, rotated, mirrored,
    resized, recompressed, brighter), by place, and with --model by vectors. The place of a
    benchmark's image comes from its GeoTIFF, or from a CSV in the folder with the columns filepath
    and lon, lat or west, south, east, north. The training files of the run are compared with its
    own test and validation files too. leakage.parquet has the pairs, leakage.json the figures, and
    leave_out.csv the images that skyscript filter --leave-out removes.
    """
    from pipeline.config import config_of_block
    from pipeline.run import Run
    from stages import tables
    from stages.leakage import Benchmark, LeakageConfig
    from stages.leakage import leakage as find_leakage

    config = config_of_block(None, LeakageConfig, {"pretrained": None, **given}, "leakage")
    benchmarks = [
        Benchmark(path.resolve().name, path, Run(path).table_of_today(tables.IMAGES))
        if Run(path).exists()
        else Benchmark(path.resolve().name, path)
        for path in benchmark or ()
    ]
    images = Run(run).table_of_today(tables.IMAGES)
    with interruptible(), display() as show:
        done = find_leakage(run, images, benchmarks, out, config, show)
    print_lines(done.lines())
    print_path("leakage", out)
