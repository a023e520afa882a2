"""The vocabulary of a run: the shipped vocabulary and additions from the run's table ``vocab``.

The table adds the user's labels and the tags that only the classifiers could judge. These are few,
even for a large extract; all other tags are looked up in the shipped vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

import tag_vocab
from pipeline.errors import InputError
from pipeline.inputs import local_input
from pipeline.stage import StageConfig
from pipeline.storage import Place
from skyscript.table_cache import cached_by_files
from tag_vocab import (
    OwnLabel,
    TagEntry,
    Vocabulary,
    phrase,
    read_own_labels,
    with_own_labels,
)

_COLUMNS = ["key", "value", "groundable", "max_gsd", "source", "reason", "probability", "phrase"]
_RUN_ROWS = (pc.field("source") == "own") | (
    # Tags rejected by the classifiers are already invisible in the shipped vocabulary.
    (pc.field("source") == "model") & pc.field("groundable")
)

NOTHING_SEEN = "no tag that can be seen from above"
"""The reason for an object of which the vocabulary calls no tag visible."""

Tag = tuple[str, str]


def _vocabulary(table: pa.Table) -> Vocabulary:
    answers: dict[Tag, TagEntry] = {}
    phrases: dict[Tag, str] = {}
    for row in table.to_pylist():
        tag, words = (row["key"], row["value"]), row["phrase"]
        answers[tag] = TagEntry(*(row[name] for name in TagEntry._fields))
        if row["source"] == "own" and words not in (None, phrase(*tag)):
            phrases[tag] = words
    return Vocabulary(answers, phrases)


run_vocabulary = cached_by_files(_vocabulary, _COLUMNS, _RUN_ROWS)
"""Gives the vocabulary of a run, from a dataset of its table ``vocab``."""


def own_labels(path: Place | None) -> dict[Tag, OwnLabel]:
    """Read a user's labels; none without a file. Raises `InputError` if a label is invalid."""
    try:
        return read_own_labels(local_input(path)) if path else {}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file of labels") from None
    except (ValueError, OSError) as error:
        raise InputError(str(error)) from error


def labelled_vocabulary(path: Place | None) -> Vocabulary:
    """Give the shipped vocabulary, in which a user's labels replace the shipped ones."""
    return with_own_labels(own_labels(path))


def vocabulary(config: StageConfig) -> Mapping[str, str]:  # noqa: ARG001 - a stage's ``external``
    """Give the content id of the vocabulary."""
    return {"tag_vocab": tag_vocab.content_id()}
