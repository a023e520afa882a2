"""The command line: the only place with typer; what is drawn while a run works is in display."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from pipeline.config import RunConfig, config_of_command, load_config
from pipeline.display import console, display, set_up_logging
from pipeline.errors import ConfigError, SkyScriptError
from pipeline.explain import explain
from pipeline.manifest import TableFolder
from pipeline.runner import run as run_recipe
from pipeline.schema import STATUS_OK
from pipeline.state import is_current, own_totals
from pipeline.vocab_cli import print_plainly, vocab_app
from stages import PIPELINE

TOY = Path(__file__).parents[1] / "data" / "toy" / "toy.yaml"

app = typer.Typer(
    name="skyscript",
    help="Build image-text datasets of the Earth from OpenStreetMap, as SkyScript was built.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(vocab_app, name="vocab")

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.KEY=VALUE", help="Set a key of the config; repeatable."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Worker processes. [default: one a CPU]", show_default=False),
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


MADE = (
    ("unfiltered", "captions", "SkyScript_train_unfiltered.csv"),
    ("fetch", "images", "images2 … images7"),
    ("report", "report", "report/index.html"),
)
"""What a run ends by naming: the stage that makes it, what it is, where it lies."""


def _run(config: RunConfig, root: Path, only: Sequence[str], retry: bool) -> None:
    with _interruptible(), display() as draw:
        run_recipe(PIPELINE, config, root, draw, only=only, retry=retry)
    for stage, what, name in MADE:
        if not only or stage in only:
            console.print(f"{what:9} {escape(str(root / name))}", soft_wrap=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """End in order where the user interrupts; DuckDB says it in an error of its own."""
    try:
        yield
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "interrupted" not in str(error).lower():
            raise
        console.print("interrupted; run the same command again to go on")
        raise typer.Exit(130) from None


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="The run's config, a YAML file.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder. [default: runs/<config's name>]", show_default=False),
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
def score(
    images: Annotated[Path, typer.Option(help="The folder that the captions' paths start at.")],
    captions: Annotated[Path, typer.Option(help="A captions CSV: ours, or a published one.")],
    out: Annotated[Path, typer.Option(help="The job's folder; the scored CSV appears in it.")],
    model: Annotated[str, typer.Option(help="An open_clip architecture.")] = "ViT-L-14",
    pretrained: Annotated[str, typer.Option(help="A tag, or a checkpoint file.")] = "openai",
    name: Annotated[str, typer.Option(help="The scorer's name in columns.")] = "CLIP_openai",
    overrides: Overrides = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes, a model each.")] = 1,
) -> None:
    """Score the pairs of a captions file with any CLIP; again after a crash, it goes on."""
    from stages.score import SCORE_JOB

    block = {"images": images, "model": model, "pretrained": pretrained, "name": name}
    one = "serial" if workers == 1 else "processes"  # one model may have all CPUs
    runner = {"executor": one, "workers": workers}
    given = {"captions": captions, "score": block, "runner": runner}
    settings = config_of_command(given, SCORE_JOB, overrides or [], "score")
    with _interruptible(), display() as draw:
        run_recipe(SCORE_JOB, settings, out, draw)


@app.command(name="filter")
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
        summary = own_totals(stage, out)
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in summary.reasons.items())
        complete = "yes" if is_current(stage, out) else "stale" if folder.manifest() else "no"
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
    print_plainly(explain(found))


sources = typer.Typer(help="The sources of images: what they are, and whether they answer.")
app.add_typer(sources, name="sources")
Project = Annotated[str | None, typer.Option(help="A project registered for Earth Engine.")]
KeyFile = Annotated[Path | None, typer.Option(help="A service account's key file.")]
Endpoint = Annotated[str | None, typer.Option(help="Another address of the service.")]


@sources.callback(invoke_without_command=True)
def list_sources(
    context: typer.Context,
    project: Project = None,
    service_account: KeyFile = None,
    endpoint: Endpoint = None,
) -> None:
    """List the sources with their coverage; with a project, whether Earth Engine answers."""
    if context.invoked_subcommand is None:
        from stages.imagery.standing import answers, listing

        said = dict(answers(project, service_account, endpoint)) if project else {}
        for line in listing(said):
            Console(highlight=False).print(line, markup=False, soft_wrap=True)


@sources.command()
def probe(
    project: Annotated[str, typer.Option(help="A project registered for Earth Engine.")],
    out: Annotated[Path, typer.Option(help="The JSON to write.")] = Path("sources.json"),
    service_account: KeyFile = None,
    endpoint: Endpoint = None,
) -> None:
    """Ask the live service what no page tells of the sources, and write it down."""
    from stages.imagery.standing import probe

    found = probe(project, service_account, endpoint, out)
    console.print(f"{'findings':9} {escape(str(found))}", soft_wrap=True)


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
