"""The commands `skyscript vocab ...`: what the vocabulary says of tags, and how it is made."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pipeline.display import print_plainly
from pipeline.errors import ConfigError, InputError
from tag_vocab import commands, encoders

vocab_app = typer.Typer(
    help="Ask the vocabulary which tags can be seen from above, and build it anew.",
    no_args_is_help=True,
)

Encoder = Annotated[
    str,
    typer.Option(
        help="What turns words into vectors: minilm, open_clip's MODEL/CHECKPOINT, or "
        "local-dir:PATH."
    ),
]
OwnLabels = Annotated[
    Path | None, typer.Option(help="A CSV of your own labels; they go before the shipped ones.")
]


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the vocabulary, which knows nothing of us, raises into one sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror or error}") from error
    except (ValueError, ImportError) as error:
        raise InputError(str(error)) from error


def _key_and_value(tag: str) -> tuple[str, str]:
    """Part a tag that was typed: without a value there is nothing to say of it."""
    key, _, value = tag.partition("=")
    if not (key and value):
        raise ConfigError(f"{commands.plain(tag)!r} is no tag: write it as key=value")
    return key, value


@vocab_app.command()
def lookup(
    tags: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE...")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A CSV with a column tag, or columns key and value.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The CSV to write, with --file.")] = None,
    own_labels: OwnLabels = None,
) -> None:
    """Say of tags whether they can be seen, how surely, and down to which resolution.

    The columns: tag, groundable (yes or no), probability, source (own label, label, model, rule of
    the key, or default), max_gsd (metres a pixel), phrase (as captions say it).
    """
    if (file is None) != (out is None) or bool(tags) == (file is not None):
        raise ConfigError("name tags (building=church), or --file tags.csv --out answers.csv")
    for tag in tags or []:
        _key_and_value(tag)
    with _told():
        vocabulary = commands.vocabulary_with(own_labels)
        if file is not None and out is not None:
            print_plainly(f"{commands.lookup_file(file, out, vocabulary):,} tags in {out}")
            return
        text = io.StringIO()
        rows = commands.lookup(tags or [], vocabulary)
        shown = ([commands.plain(cell) for cell in row] for row in rows)
        csv.writer(text, lineterminator="\n").writerows([commands.COLUMNS, *shown])
        print_plainly(text.getvalue().rstrip("\n"))


@vocab_app.command()
def explain(
    tag: Annotated[str, typer.Argument(metavar="KEY=VALUE")],
    encoder: Annotated[
        str | None, typer.Option(help="Ask the classifiers too, with this encoder.")
    ] = None,
    own_labels: OwnLabels = None,
) -> None:
    """Show all the evidence on a tag: label, rule, reason, counts, what each model says."""
    key, value = _key_and_value(tag)
    with _told():
        vocabulary = commands.vocabulary_with(own_labels)
        print_plainly(commands.explain(key, value, encoder, vocabulary))


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
