"""The commands that look at a run or at a recipe: status, verify, look, show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import command
from pipeline.cli.run import PANEL
from pipeline.cli.working import no_stage, print_lines, print_path
from pipeline.errors import ConfigError, ItemsFailed
from pipeline.progress import print_plainly

if TYPE_CHECKING:
    from pipeline.run import Run

app = typer.Typer()


@command(app, panel=PANEL)
def status(
    out: Annotated[
        str, typer.Argument(metavar="RUN", help="Read the run in this folder or bucket.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the state as JSON, for other programs.")
    ] = False,
) -> None:
    """Show the state of a run: rows, results and reasons of each stage, and failures by class.

    While a run works in the folder, it also shows the rate of the last ten minutes and the time
    that the rest of a stage takes at this rate.
    """
    from pipeline.cli.status import print_status

    print_status(_run_in(out), as_json=as_json)


@command(app, panel=PANEL)
def verify(
    out: Annotated[
        str, typer.Argument(metavar="RUN", help="Check the run in this folder or bucket.")
    ],
) -> None:
    """Check every file of a run against its recorded content; name the damaged ones.

    The parts that damaged files belong to are marked, so that the next run makes them again.
    Damaged vectors in `embeddings/` and damaged lines of `_ledger/` are removed. The log and the
    copies of the command and the config are for people, and are not checked. Of a run that is not
    complete, it names the tables that are missing or out of date.
    """
    from pipeline.cli.kept_files import remove_damaged_files
    from pipeline.cli.status import unfinished
    from pipeline.damage import revoke_damaged_parts
    from stages import RECIPES

    run = _run_in(out)
    owns = {stage.writes.name: stage.owns for recipe in RECIPES.values() for stage in recipe}
    with run.locked_unchanged():
        damaged = revoke_damaged_parts(run, owns) + remove_damaged_files(run.root)
    print_lines([f"damaged   {path}" for path in damaged])
    if damaged:
        raise ItemsFailed(
            f"{out}: {len(damaged):,} files are damaged or missing; run the command that made "
            "this folder once more, to make them again"
        )
    missing = unfinished(run)
    print_lines([f"missing   {line}" for line in missing])
    if missing:
        raise ItemsFailed(
            f"{out}: what is there is intact, but the run is not complete; run the command that "
            "made this folder once more, to make what is missing"
        )
    print_path("intact", run.root)


@command(app, panel=PANEL)
def look(
    out: Annotated[
        str, typer.Argument(metavar="RUN", help="Read the run in this folder or bucket.")
    ],
    name: Annotated[
        str,
        typer.Argument(
            metavar="OBJECT",
            help="Follow this object: its kind (n, w, a or r) and OSM number, for example "
            "a198234555. The path of its image works, too.",
        ),
    ],
) -> None:
    """Show what every table of a run holds about one object.

    The output explains why the object was dropped, or shows its caption, its image, and the files
    that hold the pair. The command reads only the parts that may hold the object. It also works
    while the run is in progress.
    """
    from pipeline.cli.look import look_lines

    for line in look_lines(_run_in(out).root, name):
        print_plainly(line)


def _run_in(out: str) -> Run:
    """Give the run in a folder or bucket. Raises `ConfigError` if there is none."""
    from pipeline.run import Run
    from pipeline.storage import place_of

    run = Run(place_of(out))
    if not run.exists():
        raise ConfigError(f"{out}: is not the folder of a run")
    return run


@command(app, panel=PANEL)
def show(
    stage: Annotated[
        str | None,
        typer.Argument(help="Explain the stage with this name. By default, all stages are listed."),
    ] = None,
) -> None:
    """Explain a stage: its purpose, its config, the table that it writes. Or list all stages."""
    from pipeline.explain import explain
    from stages import RECIPES

    if stage is None:
        print_plainly("\n".join(_recipe_lines()))
        return
    stages = [(command, item) for command, recipe in RECIPES.items() for item in recipe]
    found = [(command, explain(item)) for command, item in stages if item.name == stage]
    if not found:
        raise no_stage(stage, dict.fromkeys(item.name for _, item in stages))
    if len(found) > 1:
        found = [(command, f"In {command}:\n\n{text}") for command, text in found]
    print_plainly("\n\n".join(text for _, text in found))


def _recipe_lines() -> Iterator[str]:
    """Yield the recipes: the command that runs each, and a line for each of its stages."""
    from pipeline.explain import summary
    from stages import RECIPES

    for title, recipe in RECIPES.items():
        yield f"{title}:"
        yield from (f"  {stage.name:11} {summary(stage)}" for stage in recipe)
        yield ""
    yield "skyscript show STAGE explains a stage, its config and its table."
