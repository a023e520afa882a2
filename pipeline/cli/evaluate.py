"""The commands on finished models: evaluate, compare, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from pipeline.cli.working import ClipName, interruptible
from pipeline.display import console, display, print_plainly

Gelu = Annotated[
    Literal["auto", "on", "off"],
    typer.Option(help="The activation of OpenAI's weights; a checkpoint file does not say it."),
]
Weights = Annotated[
    str | None,
    typer.Option(help="A tag, or a checkpoint file: SkyCLIP's epoch_20.pt, one of ours."),
]


def evaluate(
    benchmarks: Annotated[Path, typer.Option(help="The root of benchmarks as published.")],
    out: Annotated[Path, typer.Option(help="The folder of results.")],
    model: ClipName = "ViT-L-14",
    pretrained: Weights = None,
    sets: Annotated[
        str | None,
        typer.Option(
            help="Sets, with commas: aid,eurosat, or scene, fine_grained, retrieval, or a folder "
            "of your own. [default: all that are there]",
            show_default=False,
        ),
    ] = None,
    protocol: Annotated[
        Literal["fp32", "original"],
        typer.Option(help="fp32 throughout, or the published half precision."),
    ] = "fp32",
    skyscript: Annotated[
        Path | None,
        typer.Option(help="The published dataset's folder, for its own retrieval test."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the model in tables.")] = None,
    quick_gelu: Gelu = "auto",
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 ...")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images at once.")] = 64,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads that read images.")] = None,
) -> None:
    """Measure a model on benchmarks, by the published protocol; again after a kill, it goes on."""
    from stages.evaluate import EvaluateConfig
    from stages.evaluate import evaluate as evaluated

    config = EvaluateConfig(
        benchmarks=benchmarks,
        sets=tuple(name.strip() for name in sets.split(",")) if sets else None,
        skyscript=skyscript,
        protocol=protocol,
        name=name,
        model=model,
        pretrained=pretrained,
        quick_gelu=quick_gelu,
        device=device,
        batch_size=batch_size,
        workers=workers,
    )
    with interruptible(), display() as draw:
        results = evaluated(config, out, draw)
    for missing in results["missing"]:
        console.print(f"{escape(missing)}: is not there; left out", soft_wrap=True)
    for name, found in results["sets"].items():
        for note in found["notes"]:
            console.print(f"{escape(name)}: {escape(note)}", soft_wrap=True)
    print_plainly((out / "results.md").read_text("utf-8"))
    console.print(f"results   {escape(str(out / 'results.json'))}", soft_wrap=True)


def compare(
    results: Annotated[list[Path], typer.Argument(help="results.json files, or their folders.")],
) -> None:
    """Put evaluations side by side, and beside the published figures."""
    from stages.evaluate import read_results, tables

    print_plainly(tables([read_results(path) for path in results]))


def export(
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    model: ClipName = "ViT-L-14",
    pretrained: Weights = None,
    quick_gelu: Gelu = "auto",
) -> None:
    """Make a checkpoint a folder that open_clip, a hub and clip_benchmark load without flags."""
    from skyscript.clip.export import export_model, model_config
    from skyscript.clip.model import load_clip
    from skyscript.clip.source import ClipConfig, find_clip

    config = ClipConfig(model=model, pretrained=pretrained, quick_gelu=quick_gelu, device=None)
    source = find_clip(config)
    clip = load_clip(source, "cpu")
    export_model(clip.model, model_config(source), out, clip.tokenizer)
    console.print(f"model     local-dir:{escape(str(out))}", soft_wrap=True)
