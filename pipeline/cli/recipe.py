"""The commands of a run: run, demo, status, show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from pipeline import disabled_stages
from pipeline.cli.working import Again, Overrides, Workers, counting_vectors, run_job, with_workers
from pipeline.config import RunConfig, load_config
from pipeline.display import console, print_plainly
from pipeline.errors import ConfigError
from pipeline.explain import explain
from pipeline.run import Run
from pipeline.schema import STATUS_OK
from pipeline.state import Retry, is_current, own_totals
from skyscript.clip.source import TINY, clip_installed
from stages import PIPELINE

TOY = Path(__file__).parents[2] / "data" / "toy" / "toy.yaml"


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
    ("filter", "filtered", "SkyScript_*_filtered_by_*.csv"),
    ("report", "report", "report/index.html"),
)
"""What a run ends by naming: the stage that makes it, what it is, where it lies."""


def _run(config: RunConfig, root: Path, only: Sequence[str], retry: Retry | None = None) -> None:
    with counting_vectors(root):
        run_job(PIPELINE, config, root, only, retry=retry)
    disabled = disabled_stages.reasons(PIPELINE, config.stages)
    used = {stage.name for stage in disabled_stages.in_use(PIPELINE, disabled)}
    for stage, what, name in MADE:
        if stage in used and (not only or stage in only):
            console.print(f"{what:9} {escape(str(root / name))}", soft_wrap=True)


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
    retry: Again = False,
    retry_only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS",
            help="Try only failed rows of this class of error once more (`busy`, `timeout` ...: "
            "the end of a run names them); repeatable.",
        ),
    ] = None,
) -> None:
    """Run what is missing of a dataset, from an OSM extract to captions.

    Run the same command again after a crash or a change: what is done and unchanged stays.
    """
    settings = load_config(config, PIPELINE, with_workers(overrides, workers))
    root = out or Path("runs") / config.stem
    again = Retry(frozenset(retry_only or ())) if retry or retry_only else None
    _run(settings, root, _stage_names(first, last, only), again)


def demo(
    out: Annotated[Path, typer.Option(help="The demo's folder.")] = Path("skyscript-demo"),
    overrides: Overrides = None,
    workers: Workers = None,
) -> None:
    """Build a small dataset of a made-up town: no account, no network, no GPU.

    Its tiles are simulated, drawn from the map: they show how the pipeline works, not the Earth.
    Where the extra `clip` is installed, they are scored by the tiny CLIP and filtered.
    """
    chosen = with_workers([*_demo_scorer(), *(overrides or [])], workers)
    _run(load_config(TOY, PIPELINE, chosen), out, [])


def _demo_scorer() -> list[str]:
    """Score with the model that ships with us, where it can run."""
    return [f"score.model={TINY}", f"score.name={TINY}"] if clip_installed() else []


def status(
    out: Annotated[Path, typer.Argument(help="A run's folder.")],
) -> None:
    """Show what a run has done, from its receipts."""
    state = Run(out)
    if not state.exists():
        raise ConfigError(f"{out}: is not the folder of a run")
    grid = Grid("stage", "parts", "rows", "ok", "complete", "not ok", box=None)
    disabled = state.disabled_stages()
    used = {stage.name: stage for stage in disabled_stages.in_use(PIPELINE, disabled)}
    for stage in PIPELINE:
        if stage.name not in used:
            grid.add_row(stage.name, "", "", "", "left out")
            continue
        folder = state.folder(stage.writes)
        receipts = folder.receipts()
        summary = own_totals(used[stage.name], state)
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in summary.reasons.items())
        complete = (
            "yes" if is_current(used[stage.name], state) else "stale" if folder.manifest() else "no"
        )
        ok = summary.status.get(STATUS_OK, 0)
        cells = [str(len(receipts)), f"{summary.rows:,}", f"{ok:,}", complete, escape(reasons)]
        grid.add_row(stage.name, *cells)
    Console().print(grid)


def show(
    stage: Annotated[str, typer.Argument(help="A stage's name.")],
) -> None:
    """Explain a stage: what it does, its config, the table that it writes."""
    (found,) = [item for item in PIPELINE if item.name in _stage_names(None, None, stage)]
    print_plainly(explain(found))
