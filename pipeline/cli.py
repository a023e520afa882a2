"""The command line: the only place with typer; what is drawn while a run works is in display."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from pipeline.config import RunConfig, load_config
from pipeline.display import console, display, set_up_logging
from pipeline.errors import ConfigError, SkyScriptError
from pipeline.manifest import TableFolder, totals
from pipeline.runner import run as run_recipe
from pipeline.schema import STATUS_OK
from stages import PIPELINE

TOY = Path(__file__).parents[1] / "data" / "toy" / "toy.yaml"

app = typer.Typer(
    name="skyscript",
    help="Build image-text datasets of the Earth from OpenStreetMap, as SkyScript was built.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.KEY=VALUE", help="Set a key of the config; repeatable."),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Worker processes. [default: one a CPU]", show_default="")
]


def _stage_names(first: str | None, last: str | None, only: str | None) -> list[str]:
    """Give the names of the stages that --from, --until and --only leave."""
    names = [stage.name for stage in PIPELINE]
    for given in (first, last, only):
        if given is not None and given not in names:
            raise ConfigError(f"there is no stage {given!r}; the stages are {', '.join(names)}")
    if only is not None:
        return [only]
    chosen = names[
        names.index(first) if first else 0 : names.index(last) + 1 if last else len(names)
    ]
    if not chosen:
        raise ConfigError(f"--from {first} comes after --until {last}: nothing is left to run")
    return chosen


def _run(config: RunConfig, root: Path, only: Sequence[str], retry: bool) -> None:
    with display() as draw:
        run_recipe(PIPELINE, config, root, draw, only=only, retry=retry)
    for name, what in (
        ("SkyScript_train_unfiltered.csv", "captions"),
        ("images2", "images"),
        ("report/index.html", "report"),
    ):
        if (root / name).exists():
            path = root / name if what != "images" else root / "images2 … images7"
            console.print(f"{what:9} {escape(str(path))}", soft_wrap=True)


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="The run's config, a YAML file.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder. [default: runs/<config's name>]", show_default=""),
    ] = None,
    overrides: Overrides = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="STAGE", help="Begin with this stage.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--until", metavar="STAGE", help="End with this stage.")
    ] = None,
    only: Annotated[str | None, typer.Option(metavar="STAGE", help="Run this stage alone.")] = None,
    workers: Workers = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try shards with failed rows once more.")
    ] = False,
) -> None:
    """Run what is missing of a dataset, from an OSM extract to captions.

    Run the same command again after a crash or a change: what is done and unchanged stays.
    """
    settings = load_config(config, PIPELINE, _with_workers(overrides, workers))
    root = out or Path("runs") / config.stem
    _run(settings, root, _stage_names(first, last, only), retry)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The demo's folder.")] = Path("skyscript-demo"),
    overrides: Overrides = None,
    workers: Workers = None,
) -> None:
    """Build a small dataset of a made-up town: no account, no network, no GPU.

    Its tiles are simulated, drawn from the map: they show how the pipeline works, not the Earth.
    """
    _run(load_config(TOY, PIPELINE, _with_workers(overrides, workers)), out, [], retry=False)


@app.command()
def caption(
    meta: Annotated[Path, typer.Option(help="A folder of meta pickles, or a zip as published.")],
    out: Annotated[Path, typer.Option(help="The CSV to write.")],
) -> None:
    """Write captions from meta pickles: a run's, or the published meta*.zip."""
    from stages.caption import CaptionConfig, caption_pickles

    count = caption_pickles(meta, out, CaptionConfig())
    console.print(f"{count:,} captions in {escape(str(out))}", soft_wrap=True)


@app.command()
def status(
    out: Annotated[Path, typer.Argument(help="A run's folder.")],
) -> None:
    """Show what a run has done, from its receipts."""
    if not (out / "_run.json").exists():
        raise ConfigError(f"{out}: is not the folder of a run")
    grid = Grid("stage", "parts", "rows", "ok", "complete", "not ok", box=None)
    for stage in PIPELINE:
        folder = TableFolder(out, stage.writes)
        receipts = folder.receipts()
        summary = totals(receipts)
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in summary.reasons.items())
        complete = "yes" if folder.manifest() else "no"
        ok = summary.status.get(STATUS_OK, 0)
        cells = [str(len(receipts)), f"{summary.rows:,}", f"{ok:,}", complete, escape(reasons)]
        grid.add_row(stage.name, *cells)
    Console().print(grid)


@app.command()
def show(
    stage: Annotated[str, typer.Argument(help="A stage's name.")],
) -> None:
    """Explain a stage: what it does, its config, the table that it writes."""
    (found,) = [item for item in PIPELINE if item.name in _stage_names(None, None, stage)]
    output = Console(highlight=False)
    output.print(escape(found.run.__doc__ or ""))
    output.print("config:")
    for name, field in found.config.model_fields.items():
        default = "required" if field.is_required() else f"default {field.get_default()!r}"
        output.print(f"  {name} ({escape(default)}): {escape(field.description or '')}")
    output.print(f"\nwrites {found.writes.name}:")
    for column in found.writes.schema:
        output.print(f"  {column.name}: {escape(str(column.type))}")


def _with_workers(overrides: list[str] | None, workers: int | None) -> list[str]:
    return [*(overrides or []), *([f"runner.workers={workers}"] if workers else [])]


def main(arguments: list[str] | None = None) -> Any:  # noqa: ANN401 - exits
    """Run the command line; end with 0, 1 (some items failed) or 2 (bad input or config)."""
    set_up_logging()
    try:
        app(arguments)
    except SkyScriptError as error:
        console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        console.print("interrupted; run the same command again to go on")
        sys.exit(130)
