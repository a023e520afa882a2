"""The command line `skyscript`. Only it and `pipeline.progress` talk to the terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from pipeline.cli import (
    census,
    data,
    exports,
    filter_clip,
    language,
    leaks,
    models,
    normsim,
    pairs,
    run,
    run_state,
    sources,
    vocab,
)
from pipeline.errors import SkyScriptError
from pipeline.progress import console, print_plainly, set_up_logging

app = typer.Typer(
    name="skyscript",
    help="Build, filter and train on image-text pairs of the Earth from OpenStreetMap.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for group in (
    run,
    run_state,
    census,
    pairs,
    filter_clip,
    normsim,
    leaks,
    language,
    models,
    data,
    exports,
):
    app.add_typer(group.app)
app.add_typer(vocab.app, name="vocab", rich_help_panel=data.PANEL)
app.add_typer(sources.app, name="sources", rich_help_panel=data.PANEL)


_LEVELS = {
    "-v": logging.DEBUG,
    "--verbose": logging.DEBUG,
    "-q": logging.WARNING,
    "--quiet": logging.WARNING,
}
"""The options for more or fewer messages, allowed anywhere in a command, and their log levels."""


def _print_version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        print_plainly(f"skyscript {importlib.metadata.version('skyscript')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Print more: a line for each part. Put it anywhere."),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Print only warnings, errors and results. Put it anywhere."
        ),
    ] = False,
) -> None:
    """Take the options that all commands have."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command, then exit: 0 for success, 1 if some items failed, 2 for bad input."""
    words, level = _take_level(sys.argv[1:] if arguments is None else arguments)
    set_up_logging(level)
    try:
        code = app(words, standalone_mode=False)
    except SkyScriptError as error:
        code = _complain(str(error), error.exit_code)
    except typer.TyperException as error:
        code = _complain(_usage(error), error.exit_code)
    sys.exit(code or 0)


def _take_level(words: Sequence[str]) -> tuple[list[str], int]:
    """Give the words of a command without -v and -q, and the log level that they ask for."""
    levels = [_LEVELS[word] for word in words if word in _LEVELS]
    return [word for word in words if word not in _LEVELS], [logging.INFO, *levels][-1]


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
