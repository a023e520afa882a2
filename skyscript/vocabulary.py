"""The run's own vocabulary in memory: what its table `vocab` says otherwise than what ships.

That is the user's own labels and the tags that only the classifiers could tell: few, whatever the
extract's size. All else is asked of the shipped vocabulary, which the table was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

import tag_vocab
from pipeline.errors import InputError
from pipeline.stage import StageConfig
from tag_vocab import (
    OwnLabel,
    TagEntry,
    Vocabulary,
    phrase,
    read_own_labels,
    with_own_labels,
)

_COLUMNS = ["key", "value", "groundable", "max_gsd", "source", "reason", "probability", "phrase"]
_OF_ITS_OWN = (pc.field("source") == "own") | (
    # What the classifiers deny, the shipped vocabulary does not know as visible either.
    (pc.field("source") == "model") & pc.field("groundable")
)

Tag = tuple[str, str]


def run_vocabulary(vocab: ds.Dataset) -> Vocabulary:
    """Give the vocabulary of a run from its table: read once a process while its files stay."""
    if not isinstance(vocab, ds.FileSystemDataset):
        return _vocabulary(vocab.to_table(columns=_COLUMNS, filter=_OF_ITS_OWN))
    paths = [Path(file) for file in vocab.files]
    stats = [path.stat() for path in paths]
    return _read(
        tuple(zip(paths, (s.st_mtime_ns for s in stats), (s.st_size for s in stats), strict=True))
    )


@lru_cache(maxsize=2)
def _read(files: tuple[tuple[Path, int, int], ...]) -> Vocabulary:
    dataset = ds.dataset([str(path) for path, _, _ in files], format="parquet")
    return _vocabulary(dataset.to_table(columns=_COLUMNS, filter=_OF_ITS_OWN))


def _vocabulary(table: pa.Table) -> Vocabulary:
    answers: dict[Tag, TagEntry] = {}
    phrases: dict[Tag, str] = {}
    for row in table.to_pylist():
        tag, said = (row["key"], row["value"]), row["phrase"]
        answers[tag] = TagEntry(*(row[name] for name in TagEntry._fields))
        if row["source"] == "own" and said not in (None, phrase(*tag)):
            phrases[tag] = said
    return Vocabulary(answers, phrases)


def own_labels(path: Path | None) -> dict[Tag, OwnLabel]:
    """Give a user's labels; none without a file. Raises `InputError` that names what is wrong."""
    try:
        return read_own_labels(path) if path else {}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file of labels") from None
    except (ValueError, OSError) as error:
        raise InputError(str(error)) from error


def labelled_vocabulary(path: Path | None) -> Vocabulary:
    """Give the shipped vocabulary with a user's labels before it."""
    return with_own_labels(own_labels(path))


def vocabulary(config: StageConfig) -> Mapping[str, str]:  # noqa: ARG001 - a stage's ``external``
    """Name the vocabulary by its content."""
    return {"tag_vocab": tag_vocab.content_id()}
