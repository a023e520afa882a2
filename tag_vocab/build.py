"""Builds the shipped vocabulary: one row for every tag that is known to be used.

A row's source is the first that there is of: its label, the rule of its key, the classifiers. The
classifiers are asked only where the key's visibility depends on the value, or nobody has ruled on
the key. Same files, encoder and machine: same bytes.
"""

from __future__ import annotations

import csv
import io

from tag_vocab import files, words
from tag_vocab.classifier import Classifiers
from tag_vocab.encoders import Encoder
from tag_vocab.files import Guess
from tag_vocab.likeness import Tag
from tag_vocab.vocabulary import decided, is_open


def known_tags() -> list[Tag]:
    """Give every tag of the labels, the counts and the universe, in alphabetical order."""
    labels = (tag for tag in files.labels() if tag[0] != files.ANY)
    return sorted({*labels, *files.frequency(), *files.universe()})


def build(encoder: Encoder) -> bytes:
    """Give the vocabulary as the bytes of a CSV file."""
    tags = known_tags()
    questions = [tag for tag in tags if is_open(*tag)]
    guesses = dict(zip(questions, Classifiers(encoder).guess(questions), strict=True))
    by_count = sorted(files.frequency(), key=lambda tag: (-files.frequency()[tag], tag))
    rank = {tag: str(place) for place, tag in enumerate(by_count, 1)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(files.VOCABULARY)
    for tag in tags:
        kinds = files.universe().get(tag, files.Known("", "")).kinds
        writer.writerow(
            [*tag, *_answer(tag, guesses), words.phrase(*tag), kinds, rank.get(tag, "")]
        )
    return text.getvalue().encode()


def _answer(tag: Tag, guesses: dict[Tag, Guess]) -> tuple[str, str, str, str]:
    """Give groundable, probability, source and max_gsd as the file says them."""
    if tag in guesses:
        source, (groundable, probability, max_gsd) = "model", guesses[tag]
    else:
        groundable, max_gsd, source, _, probability = decided(*tag)
    said = "yes" if groundable else "no"
    return said, f"{probability:.2f}", source, "" if max_gsd is None else f"{max_gsd:g}"
