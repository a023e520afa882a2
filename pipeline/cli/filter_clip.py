"""The command that trains a CLIP on trusted pairs, scores all with it, and compares the cuts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import Fields, Given, command
from pipeline.cli.pairs import PANEL, score_by_job
from pipeline.cli.working import RetryFailed, interruptible, print_lines, print_path
from pipeline.errors import ConfigError
from pipeline.progress import display

if TYPE_CHECKING:
    import pyarrow.dataset as ds

    from pipeline.cli.filter_clip_config import FilterClipConfig

app = typer.Typer()
SCORER = "CLIP_filter"
_TRAINED = ("name", "model", "pretrained", "epochs", "batch_size", "lr", "warmup", "workers")


@command(
    app,
    Fields("stages.train_filter.config:TrainFilterConfig"),
    Fields("pipeline.cli.filter_clip_config:FilterClipConfig", "train", only=_TRAINED),
    Fields("stages.score.config:ScoreConfig", "score", only=("threads",)),
    panel=PANEL,
)
def train_filter(
    run: Annotated[Path, typer.Argument(help="Train on the pairs of the run in this folder.")],
    out: Annotated[
        Path,
        typer.Option(help="Write the lists of pairs, the model and the scores to this folder."),
    ],
    given: Given,
    retry: RetryFailed = False,
) -> None:
    """Train a filter CLIP on trusted pairs, score all pairs with it, and compare the cuts.

    Pairs are trusted if the map lies well on the image, the pixels are clear, the image certainly
    shows what its caption names, and no judge objects. trusted.csv has them, trust.json says why
    others are not trusted. The training is that of skyscript train (--set train.KEY=VALUE sets any
    of its options), the scoring that of skyscript score. comparison.json has the figures of the
    cuts. skyscript filter --captions OUT/scored/pairs_scored_by_CLIP_filter.csv cuts by the scores.

    Run the same command again after a crash: it continues.
    """
    from pipeline.config import config_of_block
    from pipeline.out_folder import refuse_run
    from pipeline.scratch import database, scratch
    from skyscript.clip.source import open_clip_library
    from stages.train_filter import TrainFilterConfig, choose_trusted, compare_cuts
    from stages.train_filter.compare import COMPARISON
    from stages.train_filter.records import load_records
    from stages.train_filter.trust import ALL

    options = dict(given)
    training = _training(run, out, options.pop("train", {}))
    scoring = _scoring(run, out, training, options.pop("score", {}))
    config = config_of_block(None, TrainFilterConfig, options, "train-filter")
    refuse_run(out)
    open_clip_library()
    pairs, truth = _tables(run)
    scored = out / "scored" / f"{Path(ALL).stem}_scored_by_{SCORER}.csv"
    with scratch(out, "train-filter") as folder, database(folder) as connection:
        with interruptible():
            load_records(connection, pairs, truth, config)
            print_lines(choose_trusted(connection, out, config).lines())
        _train(training)
        score_by_job(scoring, out / "scored", retry=retry)
        with interruptible():
            print_lines(compare_cuts(connection, scored, SCORER, out, config).lines())
    print_path("scores", scored)
    print_path("figures", out / COMPARISON)


def _tables(run: Path) -> tuple[ds.Dataset, ds.Dataset | None]:
    """Give the tables ``pairs`` and, if the run has it, ``truth``."""
    from pipeline.run import Run
    from stages import tables

    opened = Run(run)
    return opened.table(tables.RUN_PAIRS.name), opened.table_if_whole(tables.TRUTH.name)


def _training(run: Path, out: Path, options: Mapping[str, Any]) -> FilterClipConfig:
    """Give the options of the training on the trusted pairs."""
    from pipeline.cli.filter_clip_config import FilterClipConfig
    from pipeline.config import config_of_block
    from stages.train_filter.trust import TRUSTED

    data = {"train_data": str((out / TRUSTED).absolute()), "root_data_dir": str(run.absolute())}
    given = _fixed("train", options, {**data, "runs": str(out.absolute())})
    return config_of_block(None, FilterClipConfig, given, "train-filter")


def _scoring(
    run: Path, out: Path, training: FilterClipConfig, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the options that score all pairs of the run by the trained model."""
    from stages.train_filter.trust import ALL

    model = training.runs / str(training.name) / "export"
    weights = {"model": f"local-dir:{model}", "pretrained": None, "name": SCORER}
    source = {"images": str(run.absolute()), "captions": str((out / ALL).absolute())}
    return {**source, "score": _fixed("score", options, weights)}


def _train(config: FilterClipConfig) -> None:
    from stages.train.loop import train

    with interruptible(), display() as show:
        print_path("model", train(config, show) / "export")


def _fixed(block: str, options: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Give options with those that this command sets. Raises `ConfigError` if one is given."""
    for key in own:
        if key in options:
            raise ConfigError(f"{block}.{key}: train-filter sets it; leave it out")
    return {**options, **own}
