"""The commands `skyscript vocab …`: look tags up, and rebuild the vocabulary."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import command
from pipeline.errors import ConfigError, InputError
from pipeline.progress import print_plainly

app = typer.Typer(
    help="Look up which tags can be seen from above, and rebuild the vocabulary.",
    no_args_is_help=True,
)

Encoder = Annotated[
    str,
    typer.Option(
        help="Turn words into vectors with this model: minilm, open_clip's MODEL/CHECKPOINT, or "
        "local-dir:PATH."
    ),
]
OwnLabels = Annotated[
    Path | None,
    typer.Option(
        help="Read your own labels from this CSV. They take precedence over the shipped ones."
    ),
]


@contextmanager
def _raise_as_input_error() -> Iterator[None]:
    """Turn an error of tag_vocab, which does not know `pipeline.errors`, into an `InputError`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror or error}") from error
    except (ValueError, ImportError) as error:
        raise InputError(str(error)) from error


def _key_and_value(tag: str) -> tuple[str, str]:
    """Split a tag that the user typed."""
    from tag_vocab.commands import plain

    key, _, value = tag.partition("=")
    if not (key and value):
        raise ConfigError(f"{plain(tag)!r} is not a tag: write it as key=value")
    return key, value


@command(app)
def lookup(
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Look up these tags.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="Look up the tags of this CSV, in a column tag or in columns key and value."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the answers for --file to this CSV.")
    ] = None,
    own_labels: OwnLabels = None,
) -> None:
    """Print whether tags can be seen, how certain that is, and down to which resolution.

    The columns are: tag, groundable (yes or no), probability, source (own label, label, model, rule
    of the key, or default), max_gsd (the coarsest resolution at which it can be seen, in metres a
    pixel), and phrase (the words in captions).
    """
    from skyscript.vocabulary import labelled_vocabulary
    from tag_vocab import commands

    if (file is None) != (out is None) or bool(tags) == (file is not None):
        raise ConfigError("name tags (building=church), or --file tags.csv --out answers.csv")
    for tag in tags or []:
        _key_and_value(tag)
    with _raise_as_input_error():
        vocabulary = labelled_vocabulary(own_labels)
        if file is not None and out is not None:
            print_plainly(f"{commands.lookup_file(file, out, vocabulary):,} tags in {out}")
            return
        text = io.StringIO()
        rows = commands.lookup(tags or [], vocabulary)
        shown = ([commands.plain(cell) for cell in row] for row in rows)
        csv.writer(text, lineterminator="\n").writerows([commands.COLUMNS, *shown])
        print_plainly(text.getvalue().rstrip("\n"))


@command(app)
def explain(
    tag: Annotated[str, typer.Argument(metavar="KEY=VALUE", help="Explain this tag.")],
    encoder: Annotated[
        str | None, typer.Option(help="Ask the classifiers too, with this encoder.")
    ] = None,
    own_labels: OwnLabels = None,
) -> None:
    """Print all the evidence about a tag: label, rule, reason, counts, and each model's answer."""
    from skyscript.vocabulary import labelled_vocabulary
    from tag_vocab import commands

    key, value = _key_and_value(tag)
    with _raise_as_input_error():
        vocabulary = labelled_vocabulary(own_labels)
        print_plainly(commands.explain(key, value, encoder, vocabulary))


@command(app)
def tree(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TAG",
            help="Print the concepts of an object with these tags (leisure=pitch sport=tennis), or "
            "the concept of this name ('tennis court').",
        ),
    ] = None,
    kind: Annotated[
        str, typer.Option(help="Take the object as a point (n), a line (w) or an area (a).")
    ] = "a",
) -> None:
    """Print the tree of concepts: what tags show, in plain words, with all more general concepts.

    Without an argument, the whole tree is printed. With tags or a name, each concept is printed
    with its plural, its synonyms, its paths up to the roots, its tags and the concepts below it.
    """
    from tag_vocab import tree_text

    with _raise_as_input_error():
        print_plainly(tree_text.describe(what, kind) if what else tree_text.whole_tree())


@command(app)
def build(
    out: Annotated[Path, typer.Option(help="Write the table to this file.")],
    encoder: Encoder = "minilm",
) -> None:
    """Build the vocabulary's table from labels, rules and classifiers. It takes some minutes."""
    from tag_vocab import commands

    with _raise_as_input_error():
        print_plainly(f"{commands.build(out, encoder):,} tags in {out}")


@command(app)
def evaluate(encoder: Encoder = "minilm") -> None:
    """Cross-validate the classifiers, compare them with simpler methods, and print the table.

    It takes some minutes.
    """
    from tag_vocab import commands

    with _raise_as_input_error():
        print_plainly(commands.evaluate(encoder))
