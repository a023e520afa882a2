"""The commands on image-caption pairs, from a run or not: caption, score, filter."""

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
    from pipeline.storage import Place

PANEL = "Captions and filters"

app = typer.Typer()


@command(app, Fields("skyscript.captions:CaptionConfig", "caption"), panel=PANEL)
def caption(
    out: Annotated[Path, typer.Option(help="Write the captions to this CSV.")],
    given: Given,
    meta: Annotated[
        Path | None,
        typer.Option(help="Read meta pickles from this folder, or from a zip as published."),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="Read the pairs of this run instead. Only its table pairs is needed."),
    ] = None,
    own_labels: Annotated[
        Path | None,
        typer.Option(
            help="Read your own labels from this CSV. They give the words for a tag, or mark it "
            "as invisible, and take precedence over the shipped ones."
        ),
    ] = None,
) -> None:
    """Write captions from meta pickles, those of a run or of the published meta*.zip.

    With --records, write the captions of a run again; only its table of pairs is needed.
    """
    from pipeline.config import config_of_command
    from skyscript.captions import CaptionConfig, caption_pickles, caption_records
    from stages.caption import CAPTION

    settings = config_of_command(given, [CAPTION], [], "caption").stages["caption"]
    assert isinstance(settings, CaptionConfig)
    if source := _either(meta, "--meta", records):
        count = caption_pickles(source, out, settings, own_labels)
    else:
        assert records is not None
        count = caption_records(records, out, settings, own_labels)
    print_lines([f"{count:,} captions in {out}"])


@command(
    app,
    Fields("skyscript.clip.pairs:PairSource"),
    Fields("stages.score.config:ScoreConfig", "score"),
    panel=PANEL,
)
def score(
    out: Annotated[
        str,
        typer.Option(
            metavar="PLACE",
            help="Write the scored CSV, and everything else, to this folder, or to this place in a "
            "bucket.",
        ),
    ],
    given: Given,
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

    Run the same command again after a crash: it continues.
    """
    from pipeline.storage import place_of

    values = dict(given)
    if workers:
        values["runner"] = {**given.get("runner", {}), "workers": workers}
    score_by_job(values, place_of(out), retry=retry)


def score_by_job(values: Given, out: Place, *, retry: bool) -> None:
    """Score pairs by the options of `score`; show the progress and the vectors."""
    from pipeline.config import config_of_command
    from stages import SCORE_JOB

    settings = config_of_command(values, SCORE_JOB, [], "score")
    if "runner" not in values:
        settings = replace(settings, runner=_runner_for_gpus(settings))
    with counting_vectors(out):
        run_job(SCORE_JOB, settings, out, retry=retry_all(retry))


def _runner_for_gpus(settings: RunConfig) -> RunnerConfig:
    """Give a worker process for each GPU. Without a GPU, one model may use all CPUs."""
    from pipeline.config import RunnerConfig
    from skyscript.clip.devices import count_gpu_workers
    from skyscript.clip.source import ClipConfig

    clip = settings.stages["score"]
    assert isinstance(clip, ClipConfig)
    count = count_gpu_workers(clip) or 1
    return RunnerConfig(executor="serial" if count == 1 else "processes", workers=count)


@command(app, Fields("stages.filter:FilterConfig", "filter"), panel=PANEL, name="filter")
def filter_pairs(
    out: Annotated[Path, typer.Option(help="Write the filtered CSVs to this folder.")],
    given: Given,
    captions: Annotated[
        Path | None, typer.Option(help="Filter this CSV, which has a column similarity_*.")
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="Filter the pairs of this run instead. Only its table pairs is needed."),
    ] = None,
    meta: Annotated[
        Path | None,
        typer.Option(
            help="Read the positions of the images from this folder or zip of meta pickles. It is "
            "needed if the CSV does not contain them."
        ),
    ] = None,
    vectors: Annotated[
        Path | None,
        typer.Option(
            help="Read the vectors for --alike from this folder, such as "
            "scored/embeddings/CLIP_openai-0123abcd."
        ),
    ] = None,
) -> None:
    """Set test and validation pairs aside, and keep the best of the others for training."""
    from pipeline.config import config_of_command
    from stages.filter import FILTER, FilterConfig, filter_csv, filter_records

    settings = config_of_command(given, [FILTER], [], "filter").stages["filter"]
    assert isinstance(settings, FilterConfig)
    if source := _either(captions, "--captions", records):
        done = filter_csv(source, out, settings, metas=meta, vectors=vectors)
    else:
        assert records is not None
        done = filter_records(records, out, settings, vectors=vectors)
    print_lines(done.lines())


def _either(source: Path | None, option: str, records: Path | None) -> Path | None:
    """Give the source that an option names; None if --records is given instead."""
    from pipeline.errors import ConfigError

    if (source is None) == (records is None):
        raise ConfigError(f"Give either {option} or --records.")
    return source
