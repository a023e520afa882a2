"""The commands on pairs of images and captions, a run's or others: caption, score, filter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Fields, Given, command
from pipeline.cli.working import (
    RetryFailed,
    counting_vectors,
    print_lines,
    retry_all,
    run_job,
)

if TYPE_CHECKING:
    from pipeline.config import RunConfig, RunnerConfig

PANEL = "Captions and filters"

app = typer.Typer()


@command(app, Fields("stages.caption:CaptionConfig", "caption"), panel=PANEL)
def caption(
    meta: Annotated[
        Path, typer.Option(help="Read meta pickles from this folder, or from a zip as published.")
    ],
    out: Annotated[Path, typer.Option(help="Write the captions to this CSV.")],
    given: Given,
    own_labels: Annotated[
        Path | None,
        typer.Option(
            help="Read your own labels from this CSV. They say how a tag is worded, or that it "
            "cannot be seen, and take precedence over the shipped ones."
        ),
    ] = None,
) -> None:
    """Write captions from meta pickles, those of a run or of the published meta*.zip."""
    from pipeline.config import config_of_command
    from stages.caption import CAPTION, CaptionConfig, caption_pickles

    settings = config_of_command(given, [CAPTION], [], "caption").stages["caption"]
    assert isinstance(settings, CaptionConfig)
    count = caption_pickles(meta, out, settings, own_labels)
    print_lines([f"{count:,} captions in {out}"])


@command(app, Fields("stages.score.config:PairScoreConfig", "score"), panel=PANEL)
def score(
    out: Annotated[
        Path, typer.Option(help="Write the scored CSV, and everything else, to this folder.")
    ],
    given: Given,
    captions: Annotated[
        Path | None,
        typer.Option(
            help="Score the pairs of this captions CSV, ours or a published one. WebDataset shards "
            "need none: they contain their captions."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Start this many worker processes, each with its own model. By default, there is "
            "one for each GPU, or one that uses all CPUs.",
        ),
    ] = None,
    retry: RetryFailed = False,
) -> None:
    """Score how well images and captions match, with any CLIP.

    Run the same command again after a crash: it goes on where it stopped.
    """
    from pipeline.config import config_of_command
    from stages import SCORE_JOB, SHARDS_JOB

    if captions is None:
        job, values = SHARDS_JOB, {"images": given["score"].get("images"), **given}
    else:
        job, values = SCORE_JOB, {"captions": captions, **given}
    if workers:
        values["runner"] = {**given.get("runner", {}), "workers": workers}
    settings = config_of_command(values, job, [], "score")
    if "runner" not in values:
        settings = replace(settings, runner=_one_process_a_gpu(settings))
    with counting_vectors(out):
        run_job(job, settings, out, retry=retry_all(retry))


def _one_process_a_gpu(settings: RunConfig) -> RunnerConfig:
    """Give a worker process for each GPU. Without a GPU, one model may use all CPUs."""
    from pipeline.config import RunnerConfig
    from skyscript.clip.model import one_process_a_gpu
    from skyscript.clip.source import ClipConfig

    clip = settings.stages["score"]
    assert isinstance(clip, ClipConfig)
    count = one_process_a_gpu(clip) or 1
    return RunnerConfig(executor="serial" if count == 1 else "processes", workers=count)


@command(app, Fields("stages.filter:FilterConfig", "filter"), panel=PANEL, name="filter")
def filter_pairs(
    captions: Annotated[
        Path, typer.Option(help="Filter this CSV, which has a column similarity_*.")
    ],
    out: Annotated[Path, typer.Option(help="Write the filtered CSVs to this folder.")],
    given: Given,
    meta: Annotated[
        Path | None,
        typer.Option(
            help="Read the positions of the images from this folder or zip of meta pickles. It is "
            "needed if the CSV does not contain them."
        ),
    ] = None,
) -> None:
    """Set test and validation pairs aside, and keep the best of the others for training."""
    from pipeline.config import config_of_command
    from stages.filter import FILTER, FilterConfig, filter_csv

    settings = config_of_command(given, [FILTER], [], "filter").stages["filter"]
    assert isinstance(settings, FilterConfig)
    print_lines(filter_csv(captions, out, settings, metas=meta).lines())
