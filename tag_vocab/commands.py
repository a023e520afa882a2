"""The functions behind `skyscript vocab`: build, evaluate, lookup, explain."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tag_vocab import encoders, files
from tag_vocab.objects import SHIPPED, Vocabulary
from tag_vocab.sizes import sizes
from tag_vocab.vocabulary import TagEntry, key_rule

_NEAREST = 8
_SHOWN = 200


class Row(NamedTuple):
    """The vocabulary's answer for a tag, as text cells."""

    tag: str
    groundable: str
    probability: str
    source: str
    max_gsd: str
    phrase: str


COLUMNS = Row._fields


def build(out: Path, encoder: str = encoders.OFFLINE) -> int:
    """Write the shipped vocabulary (`tag_vocab/vocabulary.csv`) and give its number of tags.

    Raises `ImportError` if the package of the encoder is not installed.
    """
    from tag_vocab.build import build as built

    data = built(encoders.load(encoder))
    _replace(out, data)
    return data.count(b"\n") - 1


def evaluate(encoder: str = encoders.OFFLINE) -> str:
    """Give the cross-validated figures as a Markdown table. Takes some minutes."""
    from tag_vocab import evaluation
    from tag_vocab.classifier import training_tags

    return evaluation.as_table(evaluation.evaluate(encoders.load(encoder)), training_tags())


def lookup(tags: Iterable[str], vocabulary: Vocabulary = SHIPPED) -> Iterator[Row]:
    """Yield the answer for each ``key=value``; a text without = is a key alone."""
    for tag in tags:
        key, _, value = tag.partition("=")
        yield Row(tag, *_cells(vocabulary.answer(key, value)), _phrase(vocabulary, key, value))


def _phrase(vocabulary: Vocabulary, key: str, value: str) -> str:
    """Give the phrase of a tag as in captions: in today's spelling, each value by itself."""
    tags = vocabulary.caption_tags({key: value}) or [(key, value)]
    return ", ".join(vocabulary.phrase(*tag) for tag in tags)


def lookup_file(source: Path, out: Path, vocabulary: Vocabulary = SHIPPED) -> int:
    """Answer the column ``tag`` (or ``key`` and ``value``) of a CSV file and give its row count.

    Raises `ValueError` if the file has neither, or is not a CSV in UTF-8.
    """
    rows = list(lookup(_tags(source), vocabulary))
    _replace(out, files.as_csv(COLUMNS, rows))
    return len(rows)


def explain(
    key: str, value: str, encoder: str | None = None, vocabulary: Vocabulary = SHIPPED
) -> str:
    """Give all that the vocabulary knows about a tag; with an encoder, also the guess."""
    entry = vocabulary.answer(key, value)
    lines = [
        plain(f"{key}={value}"),
        f'  phrase    "{plain(_phrase(vocabulary, key, value))}"',
        f"  answer    {_sentence(entry)}, by {entry.source}",
        f"  because   {entry.reason}",
        *_evidence(key, value),
    ]
    if encoder is not None:
        lines += _model(key, value, encoder)
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """Give a text that is safe in a terminal: one line, no control characters, shortened."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ... ({len(text):,} characters)"
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in shown
    )


def _sentence(entry: TagEntry) -> str:
    return f"visible up to {entry.max_gsd:g} m" if entry.max_gsd else "not visible"


def _cells(entry: TagEntry) -> tuple[str, str, str, str]:
    gsd = "" if entry.max_gsd is None else f"{entry.max_gsd:g}"
    return "yes" if entry.groundable else "no", f"{entry.probability:.2f}", entry.source, gsd


def _evidence(key: str, value: str) -> Iterator[str]:
    """Yield what the data files hold about the key, the value and the count of the tag."""
    if size := sizes().get((key, value)):
        yield f"  size      {size.kind} of {size.metres:g} m"
    rule = key_rule(key)
    if rule:
        role = f"{rule.role}, " if rule.rule != "never" else ""
        yield f"  key       {role}rule {rule.rule}: {rule.judgement.reason}"
    else:
        yield "  key       has no rule"
    count = files.frequency().get((key, value), 0)
    yield f"  counted   {count} times in the extracts of frequency.csv"
    known = files.universe().get((key, value))
    if known:
        yield f"  known     in iD: {known.in_id or 'no'}; on: {known.kinds or 'not known'}"
    like = [tag for tag in files.labels() if tag[1] == value and tag[0] not in (key, files.ANY)]
    for tag in like[:_NEAREST]:
        judged = files.labels()[tag]
        gsd = f"up to {judged.max_gsd:g} m" if judged.max_gsd else "not visible"
        yield f"  same word {tag[0]}={tag[1]}: {gsd}, {judged.reason}"


def _model(key: str, value: str, encoder: str) -> Iterator[str]:
    from tag_vocab.classifier import Classifiers

    (guess,), (nearest_labels,) = Classifiers(encoders.load(encoder)).guess_with_nearest(
        [(key, value)], _NEAREST
    )
    yield f"  stage I   probability {guess.probability:.2f} that it is visible"
    yield f"  stage II  {f'up to {guess.max_gsd:g} m' if guess.max_gsd else 'not asked'}"
    for tag, weight in nearest_labels:
        judged = files.labels().get(tag)
        answer = f"up to {judged.max_gsd:g} m" if judged and judged.max_gsd else "not visible"
        yield f"  like      {tag[0]}={tag[1]} ({weight:.2f}): {answer}"


def _tags(source: Path) -> Iterator[str]:
    def check(names: list[str]) -> None:
        if "tag" not in names and not {"key", "value"} <= set(names):
            header = plain(",".join(names)) or "empty"
            raise ValueError(
                f"{source}: has no column tag, nor columns key and value (its header: {header})."
            )

    for _, row in files.csv_rows(str(source), source.read_bytes(), check):
        yield row["tag"] if "tag" in row else f"{row['key']}={row['value']}"


def _replace(out: Path, data: bytes) -> None:
    """Write a file by rename: it is complete or absent."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(out)
