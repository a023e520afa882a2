"""The command line: the only place with typer; what is drawn while a run works is in display."""

from __future__ import annotations

import sys
from typing import Any

import typer
from rich.markup import escape

from pipeline.cli import evaluate, pairs, recipe
from pipeline.cli.build import build_classification, build_laion_rs
from pipeline.cli.download import download
from pipeline.cli.sources import sources_app
from pipeline.cli.train import train
from pipeline.cli.vocab import vocab_app
from pipeline.display import console, set_up_logging
from pipeline.errors import SkyScriptError

app = typer.Typer(
    name="skyscript",
    help="Build image-text datasets of the Earth from OpenStreetMap, as SkyScript was built.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_RUN, _PAIRS, _MODELS, _DATA = "Build a dataset", "Captions and filters", "Models", "Data"
app.command(rich_help_panel=_RUN)(recipe.run)
app.command(rich_help_panel=_RUN)(recipe.demo)
app.command(rich_help_panel=_RUN)(recipe.status)
app.command(rich_help_panel=_RUN)(recipe.show)
app.command(rich_help_panel=_PAIRS)(pairs.caption)
app.command(rich_help_panel=_PAIRS)(pairs.score)
app.command(name="filter", rich_help_panel=_PAIRS)(pairs.filter_)
app.command(
    rich_help_panel=_MODELS,
    add_help_option=False,  # argparse's help: it knows the published options
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(train)
app.command(rich_help_panel=_MODELS)(evaluate.evaluate)
app.command(rich_help_panel=_MODELS)(evaluate.compare)
app.command(rich_help_panel=_MODELS)(evaluate.export)
app.command(rich_help_panel=_DATA)(download)
app.command(rich_help_panel=_DATA)(build_classification)
app.command(rich_help_panel=_DATA)(build_laion_rs)
app.add_typer(vocab_app, name="vocab", rich_help_panel=_DATA)
app.add_typer(sources_app, name="sources", rich_help_panel=_DATA)


def main(arguments: list[str] | None = None) -> Any:  # noqa: ANN401 - exits
    """Run the command line; end with 0, 1 (some items failed) or 2 (bad input or config)."""
    set_up_logging()
    try:
        app(arguments)
    except SkyScriptError as error:
        console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
