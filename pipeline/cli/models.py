"""The commands on models: train, evaluate, compare, export."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.options import Fields, Given, command
from pipeline.cli.published_options import translate_published
from pipeline.cli.working import interruptible, print_lines, print_path
from pipeline.progress import display, print_plainly

PANEL = "Models"

app = typer.Typer()
EVALUATE = "stages.evaluate:EvaluateConfig"


@command(
    app,
    Fields("stages.train.config:TrainConfig", optional=True),
    panel=PANEL,
    translate=translate_published,
)
def train(
    given: Given,
    recipe: Annotated[
        Path | None,
        typer.Argument(help="Read options from this YAML file. The command line takes precedence."),
    ] = None,
) -> None:
    """Train a CLIP further on pairs of images and captions, with the published options and more.

    skyscript train data/recipes/skyclip_vit_l14_top30.yaml --root-data-dir data --train-data a.csv

    torchrun --no-python --nproc_per_node 4 skyscript train … trains the same on four GPUs. The
    command line of the published training script runs as it is.

    The same command continues a stopped training, with the same result. The run's folder contains
    checkpoints/ (epoch_N.pt as open_clip writes them, results.jsonl), progress.jsonl, and at the
    end export/, which open_clip loads as local-dir:.
    """
    from pipeline.config import config_of_block
    from skyscript.clip.source import open_clip_library
    from stages.train.config import TrainConfig

    config = config_of_block(recipe, TrainConfig, given, "skyscript train")
    if config.name is None:
        name = recipe.stem if recipe else Path(config.model.rpartition(":")[2]).name
        config = config.model_copy(update={"name": name})
    open_clip_library()
    from stages.train.loop import train as run_training

    if int(os.environ.get("RANK", "0")):  # torchrun: only the first process shows progress
        for logger in ("skyscript", "stages"):
            logging.getLogger(logger).setLevel(logging.ERROR)
        with interruptible():
            run_training(config, lambda _: None)
        return
    with interruptible(), display() as show:
        folder = run_training(config, show)
    print_path("trained", folder)


@command(app, Fields(EVALUATE), panel=PANEL)
def evaluate(
    out: Annotated[Path, typer.Option(help="Write the results to this folder.")],
    given: Given,
) -> None:
    """Measure a model on benchmarks by the published protocol.

    Run the same command again after a crash: it continues.
    """
    from pipeline.config import config_of_block
    from stages.evaluate import EvaluateConfig
    from stages.evaluate import evaluate as run_evaluation

    config = config_of_block(None, EvaluateConfig, given, "evaluate")
    with interruptible(), display() as show:
        results = run_evaluation(config, out, show)
    print_lines([f"{missing}: does not exist; skipped" for missing in results["missing"]])
    print_lines(
        [f"{name}: {note}" for name, found in results["sets"].items() for note in found["notes"]]
    )
    print_plainly((out / "results.md").read_text("utf-8"))
    print_path("results", out / "results.json")


@command(app, panel=PANEL)
def compare(
    results: Annotated[
        list[Path],
        typer.Argument(help="Compare these results.json files, given by path or by folder."),
    ],
) -> None:
    """Print several evaluations side by side, with the published figures."""
    from stages.evaluate import format_tables, read_results

    print_plainly(format_tables([read_results(path) for path in results]))


@command(app, Fields(EVALUATE, only=("model", "pretrained", "quick_gelu")), panel=PANEL)
def export(
    out: Annotated[Path, typer.Option(help="Write the model to this folder.")],
    given: Given,
) -> None:
    """Turn a checkpoint into a folder that open_clip, a hub and clip_benchmark load directly."""
    from pipeline.config import config_of_block
    from skyscript.clip.export import export_model
    from skyscript.clip.model import load_clip
    from skyscript.clip.source import ClipConfig, find_clip, model_config

    values: dict[str, Any] = {"pretrained": None, **given}
    config = config_of_block(None, ClipConfig, values, "export")
    source = find_clip(config)
    clip = load_clip(source, "cpu")
    export_model(clip.model, model_config(source), out, clip.tokenizer)
    print_lines([f"model     local-dir:{out}"])
