"""The commands `skyscript vocab ...`: what the vocabulary says of tags, and how it is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.display import print_plainly
from pipeline.errors import ConfigError, InputError
from tag_vocab import commands, encoders

vocab_app = typer.Typer(
    help="Ask the vocabulary which tags can be seen from above, and build it anew.",
    no_args_is_help=True,
)

Encoder = Annotated[
    str,
    typer.Option(help="What turns words into vectors: minilm, or open_clip's MODEL/CHECKPOINT."),
]


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the vocabulary, which knows nothing of us, raises into one sentence."""
    try:
        yield
    except (ValueError, ImportError, OSError) as error:
        raise InputError(str(error)) from error


@vocab_app.command()
def lookup(
    tags: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE...")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A CSV with a column tag, or columns key and value.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The CSV to write, with --file.")] = None,
) -> None:
    """Say of tags whether they can be seen, how surely, and down to which resolution."""
    if (file is None) != (out is None) or bool(tags) == (file is not None):
        raise ConfigError("name tags (building=church), or --file tags.csv --out answers.csv")
    output = Console(highlight=False, soft_wrap=True)
    with _told():
        if file is not None and out is not None:
            output.print(f"{commands.lookup_file(file, out):,} tags in {out}", markup=False)
            return
        output.print(",".join(commands.COLUMNS), markup=False)
        for row in commands.lookup(tags or []):
            output.print(",".join(row), markup=False)


@vocab_app.command()
def explain(
    tag: Annotated[str, typer.Argument(metavar="KEY=VALUE")],
    encoder: Annotated[
        str | None, typer.Option(help="Ask the classifiers too, with this encoder.")
    ] = None,
) -> None:
    """Show all the evidence on a tag: label, rule, reason, counts, what each model says."""
    key, _, value = tag.partition("=")
    with _told():
        print_plainly(commands.explain(key, value, encoder))


@vocab_app.command()
def build(
    out: Annotated[Path, typer.Option(help="The table to write.")],
    encoder: Encoder = encoders.OFFLINE,
) -> None:
    """Make the shipped table from labels, rules and classifiers; some minutes."""
    with _told():
        print_plainly(f"{commands.build(out, encoder):,} tags in {out}")


@vocab_app.command()
def evaluate(encoder: Encoder = encoders.OFFLINE) -> None:
    """Cross-validate the classifiers against simpler ways and print the table; some minutes."""
    with _told():
        print_plainly(commands.evaluate(encoder))
