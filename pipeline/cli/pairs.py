"""The commands on pairs of images and captions, a run's or anyone's: caption, score, filter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from pipeline.cli.working import Again, ClipName, Overrides, counting_vectors, run_job, with_workers
from pipeline.config import RunnerConfig, config_of_command
from pipeline.display import console
from pipeline.state import Retry


def caption(
    meta: Annotated[Path, typer.Option(help="A folder of meta pickles, or a zip as published.")],
    out: Annotated[Path, typer.Option(help="The CSV to write.")],
    own_labels: Annotated[
        Path | None,
        typer.Option(help="A CSV of your own labels: how a tag is said, or that it is not."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Write captions from meta pickles: a run's, or the published meta*.zip.

    Keys of --set are those of the stage: caption.prefix, caption.max_surrounding ...
    """
    from stages.caption import CAPTION, CaptionConfig, caption_pickles

    settings = config_of_command({}, [CAPTION], overrides or [], "caption").stages["caption"]
    assert isinstance(settings, CaptionConfig)
    count = caption_pickles(meta, out, settings, own_labels)
    console.print(f"{count:,} captions in {escape(str(out))}", soft_wrap=True)


def score(
    images: Annotated[
        Path,
        typer.Option(
            help="The folder that the captions' paths start at; or WebDataset shards: a folder of "
            "tars, or 'shards-{0000..0009}.tar'."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The job's folder; the scored CSV appears in it.")],
    captions: Annotated[
        Path | None,
        typer.Option(help="A captions CSV: ours, or a published one. Shards have their own."),
    ] = None,
    model: ClipName = "ViT-L-14",
    pretrained: Annotated[str, typer.Option(help="A tag, or a checkpoint file.")] = "openai",
    name: Annotated[str, typer.Option(help="The scorer's name in columns.")] = "CLIP_openai",
    overrides: Overrides = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Worker processes, a model each. [default: one a GPU, else one for all CPUs]",
            show_default=False,
        ),
    ] = None,
    retry: Again = False,
) -> None:
    """Score the pairs of a captions file or of shards with any CLIP; after a crash, it goes on."""
    from skyscript.clip.model import one_process_a_gpu
    from skyscript.clip.source import ClipConfig
    from stages.score import SCORE_JOB

    given: dict[str, Any] = {
        "images": images,
        "captions": captions,
        "score": {"model": model, "pretrained": pretrained, "name": name},
    }
    options = with_workers(overrides, workers)
    settings = config_of_command(given, SCORE_JOB, options, "score")
    if not any(option.startswith("runner.") for option in options):
        clip = settings.stages["score"]
        assert isinstance(clip, ClipConfig)
        count = one_process_a_gpu(clip) or 1
        one: Literal["serial", "processes"] = "serial" if count == 1 else "processes"
        # Serial, so that one model may have all CPUs.
        settings = replace(settings, runner=RunnerConfig(executor=one, workers=count))
    with counting_vectors(out):
        run_job(SCORE_JOB, settings, out, retry=Retry() if retry else None)


def filter_(
    captions: Annotated[Path, typer.Option(help="A CSV with a column similarity_*.")],
    out: Annotated[Path, typer.Option(help="The folder of the filtered CSVs.")],
    meta: Annotated[
        Path | None, typer.Option(help="Meta pickles, for positions the CSV does not have.")
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Set test and validation pairs aside and keep the best of the others, as published."""
    from stages.filter import FILTER, FilterConfig, filter_csv

    settings = config_of_command({}, [FILTER], overrides or [], "filter").stages["filter"]
    assert isinstance(settings, FilterConfig)
    done = filter_csv(captions, out, settings, metas=meta)
    console.print(*done.lines(), sep="\n", soft_wrap=True, markup=False)
