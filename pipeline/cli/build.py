"""The commands that build other sets: build-classification, build-laion-rs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.config import config_of_block
from pipeline.display import console
from pipeline.errors import ConfigError
from pipeline.manifest import TableFolder


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

    folder = TableFolder(run, tables.META)
    if not folder.is_whole():
        raise ConfigError(f"{run}: has no whole table meta; it is made by skyscript run.")
    block = {"classes": classes, "per_class": per_class, "trained_on": tuple(trained_on or ())}
    config = config_of_block(ClassificationConfig, block, overrides or [], "build-classification")
    done = build(folder.dataset(), run, out.absolute(), config, training=training or ())
    console.print(*done.lines(), sep="\n", soft_wrap=True, markup=False)
