"""The commands that build other sets: build-classification, build-laion-rs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.working import Again, ClipName, Overrides, run_job
from pipeline.config import config_of_block, config_of_command, with_overrides
from pipeline.display import console
from pipeline.errors import ConfigError, ItemsFailed
from pipeline.run import Run
from pipeline.state import Retry


def build_classification(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    out: Annotated[
        Path,
        typer.Option(help="The set's folder; the one above it is the root of benchmarks."),
    ] = Path("benchmark/SkyScript_cls"),
    classes: Annotated[int, typer.Option(min=2, help="Classes; exactly so many.")] = 70,
    per_class: Annotated[int, typer.Option(min=1, help="Images of each class.")] = 100,
    training: Annotated[
        list[Path] | None,
        typer.Option(
            help="A captions file to write again without what training must leave out; repeatable."
        ),
    ] = None,
    trained_on: Annotated[
        list[Path] | None,
        typer.Option(
            help="A captions file that a model was trained on already: make the set of what "
            "shares no object and no ground with it; repeatable."
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set another key: hold_out=objects, say."),
    ] = None,
) -> None:
    """Make a set of labelled images of a run that training never sees, as SkyScript_cls is one.

    report.json says what was chosen and why, left_out_objects.txt what training must leave out.
    """
    from stages import tables
    from stages.classification import ClassificationConfig
    from stages.classification import build_classification as build

    meta = Run(run).table(tables.META.name)
    block = {"classes": classes, "per_class": per_class, "trained_on": tuple(trained_on or ())}
    keys = with_overrides(block, overrides or [])
    config = config_of_block(None, ClassificationConfig, keys, "build-classification")
    assert isinstance(config, ClassificationConfig)
    done = build(meta, run, out.absolute(), config, training=training or ())
    _say(done.lines())


def build_laion_rs(
    images: Annotated[
        Path,
        typer.Option(
            help="The folder that the table's paths start at; or WebDataset shards: a folder of "
            "tars, or 'shards-{0000..0009}.tar'. With --urls, the folder that they are fetched to."
        ),
    ],
    remote_sensing: Annotated[
        Path, typer.Option(help="Examples: a folder of remote-sensing images.")
    ],
    other: Annotated[Path, typer.Option(help="Examples: a folder of images of other kinds.")],
    out: Annotated[Path, typer.Option(help="The job's folder; laion_rs.csv appears in it.")],
    captions: Annotated[
        Path | None,
        typer.Option(
            help="The table of a folder of images, CSV or Parquet. Shards have their own."
        ),
    ] = None,
    image_column: Annotated[str, typer.Option(help="The table's image paths.")] = "filepath",
    caption_column: Annotated[str, typer.Option(help="The table's captions.")] = "title",
    urls: Annotated[
        Path | None,
        typer.Option(help="A Parquet file with columns URL and TEXT, to fetch with img2dataset."),
    ] = None,
    img2dataset: Annotated[str, typer.Option(help="That program.")] = "img2dataset",
    model: ClipName = "ViT-L-14",
    pretrained: Annotated[str, typer.Option(help="A tag, or a checkpoint file.")] = "openai",
    threshold: Annotated[
        float | None,
        typer.Option(help="Least probability. [default: that of the precision kept.precision]"),
    ] = None,
    overrides: Overrides = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes, a model each.")] = 1,
    retry: Again = False,
) -> None:
    """Keep the remote-sensing images of the web, told by a classifier on CLIP from two folders.

    The CSV (filepath, title, score) trains. Run it again after a crash: it goes on.
    """
    from skyscript.clip.source import TINY
    from stages.laion_rs import LAION_RS_JOB, fetch_images, finished, summary
    from stages.laion_rs.fetched import FetchConfig

    if urls is not None:
        if captions is not None:
            raise ConfigError("--urls and --captions: name one; what is fetched has its captions")
        given = {"urls": urls.absolute(), "program": img2dataset, "processes": workers}
        fetching = config_of_block(None, FetchConfig, given, "build-laion-rs")
        assert isinstance(fetching, FetchConfig)
        fetch_images(fetching, images)
    block = {
        "images": images.absolute(),
        "captions": captions.absolute() if captions else None,
        "model": model,
        "pretrained": pretrained,
        "web": {"image_column": image_column, "caption_column": caption_column},
        "examples": {"remote_sensing": remote_sensing.absolute(), "other": other.absolute()},
        "kept": {"threshold": threshold},
        "runner": {"executor": "serial" if workers == 1 else "processes", "workers": workers},
    }
    settings = config_of_command(block, LAION_RS_JOB, overrides or [], "build-laion-rs")
    if model == TINY:
        console.print("the tiny model has seen simulated tiles only: use it for trials")
    try:
        run_job(LAION_RS_JOB, settings, out, retry=Retry() if retry else None)
    except ItemsFailed:  # some images: the others are judged, unless a whole part failed
        _say(summary(out) if finished(out) else [])
        raise
    _say(summary(out))


def _say(lines: list[str]) -> None:
    console.print(*lines, sep="\n", soft_wrap=True, markup=False)
