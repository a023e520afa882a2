"""Builds the shipped vocabulary: one row for every tag that is known to be used.

A label decides a tag, else the rule of its key, else the classifiers. The classifiers decide only
where a key has no rule or its visibility depends on the value. The same files, encoder and machine
give the same bytes.
"""

from __future__ import annotations

from tag_vocab import files, words
from tag_vocab.classifier import Classifiers
from tag_vocab.encoders import Encoder
from tag_vocab.files import Guess
from tag_vocab.likeness import Tag
from tag_vocab.vocabulary import decide, needs_classifier


def known_tags() -> list[Tag]:
    """Give every tag of the labels, the counts and the universe, in alphabetical order."""
    labels = (tag for tag in files.labels() if tag[0] != files.ANY)
    return sorted({*labels, *files.frequency(), *files.universe()})


def build(encoder: Encoder) -> bytes:
    """Give the vocabulary as the bytes of a CSV file."""
    tags = known_tags()
    undecided = [tag for tag in tags if needs_classifier(*tag)]
    guesses = dict(zip(undecided, Classifiers(encoder).guess(undecided), strict=True))
    by_count = sorted(files.frequency(), key=lambda tag: (-files.frequency()[tag], tag))
    rank = {tag: str(place) for place, tag in enumerate(by_count, 1)}
    rows = (
        [*tag, *_answer(tag, guesses), words.phrase(*tag), _kinds(tag), rank.get(tag, "")]
        for tag in tags
    )
    return files.as_csv(files.VOCABULARY.split(","), rows)


def _kinds(tag: Tag) -> str:
    known = files.universe().get(tag)
    return known.kinds if known else ""


def _answer(tag: Tag, guesses: dict[Tag, Guess]) -> tuple[str, str, str, str]:
    """Give groundable, probability, source and max_gsd as the file spells them."""
    if tag in guesses:
        source, (groundable, probability, max_gsd) = "model", guesses[tag]
    else:
        groundable, max_gsd, source, _, probability = decide(*tag)
    return (
        "yes" if groundable else "no",
        f"{probability:.2f}",
        source,
        "" if max_gsd is None else f"{max_gsd:g}",
    )
