"""The command line `skyscript`. Only it and `pipeline.progress` talk to the terminal."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.markup import escape

from pipeline.cli import census, data, exports, models, pairs, run, sources, vocab
from pipeline.errors import SkyScriptError
from pipeline.progress import console, set_up_logging

app = typer.Typer(
    name="skyscript",
    help="Build, filter and train on image-text pairs of the Earth from OpenStreetMap.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (run.app, census.app, pairs.app, models.app, data.app, exports.app):
    app.add_typer(commands)
app.add_typer(vocab.app, name="vocab", rich_help_panel=data.PANEL)
app.add_typer(sources.app, name="sources", rich_help_panel=data.PANEL)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command, then exit: 0 for success, 1 if some items failed, 2 for bad input."""
    set_up_logging()
    try:
        code = app(arguments, standalone_mode=False)
    except SkyScriptError as error:
        code = _complain(str(error), error.exit_code)
    except typer.TyperException as error:
        code = _complain(_usage(error), error.exit_code)
    sys.exit(code or 0)


def _complain(sentence: str, code: int) -> int:
    if sentence:
        console.print(f"[bold red]error:[/] {escape(sentence)}", soft_wrap=True)
    return code


def _usage(error: typer.TyperException) -> str:
    """Give one sentence for a wrong option or argument; none if the help was shown instead."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if not message or context is None:
        return message
    path = context.command_path
    return f"{path}: {message[0].lower()}{message[1:]}; see {path} --help"
