"""What a benchmark's files hold, read as the published code reads them, but checked.

It reads with pandas, and so do we, in effect: an empty field and the words in `NULL_WORDS` are no
label; a column of whole numbers holds positions in ``classnames.txt``, any other one names. A line
of ``classnames.txt`` is a class, a blank one too; of two equal names the last one counts.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from skyscript.benchmarks.layout import Benchmark, chosen, is_there
from skyscript.files.pairs_csv import NULL_WORDS, PairsCsv
from skyscript.files.paths import below
from skyscript.images.decode import Unusable

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
"""A whole number; with a point where pandas made a column of them one of floats."""
_SHOWN = 3


class Row(NamedTuple):
    """A row of a benchmark's CSV."""

    number: int
    """From 0."""
    path: str
    value: str | None
    """The label or caption; none if the field holds no value."""


@dataclass(frozen=True)
class Labelled:
    """Images and the class of each."""

    paths: list[str]
    """As the rows say them."""
    files: list[Path]
    labels: NDArray[np.int64]
    """Positions in ``classes``."""
    classes: list[str]
    notes: list[str]
    """What is odd about the set, a sentence each."""

    def chosen(self, rows: NDArray[np.int64], notes: list[str]) -> Labelled:
        """Give some of the images, and more notes."""
        paths, files = ([column[row] for row in rows] for column in (self.paths, self.files))
        return Labelled(paths, files, self.labels[rows], self.classes, [*self.notes, *notes])


@dataclass(frozen=True)
class Captioned:
    """Images, texts, and which belongs to which: a relation."""

    paths: list[str]
    """Distinct, sorted."""
    files: list[Path]
    texts: list[str]
    """Distinct, sorted, with the prefix."""
    image_of: NDArray[np.int64]
    """Of each pair, in the file's order: its image."""
    text_of: NDArray[np.int64]
    """Of each pair: its text."""
    notes: list[str]

    def chosen(self, rows: NDArray[np.int64], notes: list[str]) -> Captioned:
        """Give some of the images with their texts, and more notes."""
        stays = np.isin(self.image_of, rows)
        texts, text_of = np.unique(self.text_of[stays], return_inverse=True)
        return Captioned(
            [self.paths[row] for row in rows],
            [self.files[row] for row in rows],
            [self.texts[text] for text in texts],
            np.searchsorted(rows, self.image_of[stays]),
            text_of,
            [*self.notes, *notes],
        )


def present(root: Path, names: Sequence[str] | None = None) -> list[Benchmark]:
    """Give those of the chosen benchmarks that are there; naming the others is the caller's.

    Raises `InputError` if there is no such root or benchmark, or one that is there is not whole:
    a column, a class or an image is missing.
    """
    found = [benchmark for benchmark in chosen(root, names) if is_there(benchmark, root)]
    for benchmark in found:
        check(benchmark, root)
    return found


def check(benchmark: Benchmark, root: Path) -> None:
    """Raise `InputError` if a benchmark is not whole."""
    (read_captioned if benchmark.kind == "retrieval" else read_labelled)(benchmark, root)


def read_labelled(benchmark: Benchmark, root: Path) -> Labelled:
    """Read a set of labelled images. Raises `InputError` that names file and line."""
    classes, notes = _classes(root / benchmark.classnames)
    file = PairsCsv(root / benchmark.csv, ("filepath", benchmark.column))
    rows = _rows(file, benchmark.column)
    kept = [row for row in rows if row.value is not None]
    if dropped := len(rows) - len(kept):
        notes.append(
            f"{dropped:,} of {len(rows):,} rows have no label (empty, or a word that pandas reads "
            "as empty: NA, None, null ...) and are left out, as published"
        )
    if not kept:
        raise InputError(f"{file.path}: no row has a value in {benchmark.column!r}.")
    labels = _positions(file, benchmark, kept, classes)
    files = _image_files(root / benchmark.images, file, [(row.number, row.path) for row in kept])
    return Labelled([row.path for row in kept], files, labels, classes, notes)


def read_captioned(benchmark: Benchmark, root: Path) -> Captioned:
    """Read a set of captioned images. Raises `InputError` that names file and line."""
    file = PairsCsv(root / benchmark.csv, ("filepath", benchmark.column))
    rows = _rows(file, benchmark.column)
    pairs = [(row.path, benchmark.prefix + row.value) for row in rows if row.value is not None]
    if not pairs:
        raise InputError(f"{file.path}: no row has a value in {benchmark.column!r}.")
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.path, row.number)
    paths, texts = sorted(first), sorted({text for _, text in pairs})
    notes = []
    if dropped := len(rows) - len(pairs):
        alone = len(first) - len({path for path, _ in pairs})
        notes.append(
            f"{dropped:,} of {len(rows):,} rows have no caption; {alone:,} images have none at all "
            "and are never found, as published"
        )
    files = _image_files(root / benchmark.images, file, [(first[path], path) for path in paths])
    image, text = ({item: at for at, item in enumerate(items)} for items in (paths, texts))
    image_of, text_of = zip(*((image[path], text[said]) for path, said in pairs), strict=True)
    return Captioned(paths, files, texts, np.array(image_of), np.array(text_of), notes)


def unusable_notes(wrong: Sequence[tuple[int, Unusable]], files: Sequence[Path]) -> list[str]:
    """Name images that cannot be decoded. Raises `InputError` if these are all."""
    if not wrong:
        return []
    named = "; ".join(f"{files[row]}: {why.reason}" for row, why in wrong[:_SHOWN])
    if len(wrong) == len(files):
        raise InputError(f"none of the {len(files):,} images can be used: {named}.")
    more = "; ..." if len(wrong) > _SHOWN else ""
    return [
        f"{len(wrong):,} of {len(files):,} images cannot be used and are left out of the figures, "
        f"which are then not of the whole set ({named}{more})"
    ]


def _classes(path: Path) -> tuple[list[str], list[str]]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; it names the classes, one a line.")
    try:
        with path.open(encoding="utf-8") as file:
            names = [line.strip() for line in file]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8: {error}.") from None
    if not names:
        raise InputError(f"{path}: names no class.")
    notes = []
    if blank := names.count(""):
        notes.append(f"{path.name} has {blank} blank lines, each of them a class, as published")
    twice = sorted(name for name, count in Counter(names).items() if count > 1 and name)
    if twice:
        notes.append(
            f"{path.name} names {', '.join(map(repr, twice[:_SHOWN]))} more than once: its images "
            "belong to the last of them, as published"
        )
    if unread := sorted(NULL_WORDS.intersection(names) - {""}):
        notes.append(f"no image can be of class {unread[0]!r}: pandas reads it as no label")
    return names, notes


def _rows(file: PairsCsv, column: str) -> list[Row]:
    """Give the rows of a benchmark's CSV."""
    rows: list[Row] = []
    for batch in file.batches(["filepath", column], nulls=NULL_WORDS):
        numbers = itertools.count(len(rows))
        rows += map(Row._make, zip(numbers, *(c.to_pylist() for c in batch.columns), strict=False))
    return rows


def _positions(
    file: PairsCsv, benchmark: Benchmark, rows: list[Row], classes: list[str]
) -> NDArray[np.int64]:
    """Give each row's class; what is said decides together whether numbers are positions."""
    named = {name: at for at, name in enumerate(classes)}  # the last of equal names
    by_number = all(_WHOLE.fullmatch(row.value or "") for row in rows)
    found = np.empty(len(rows), np.int64)
    for index, row in enumerate(rows):
        value = row.value or ""
        place = float(value) if by_number else named.get(value, -1)  # of many digits: inf
        if not 0 <= place < len(classes):
            raise InputError(
                f"{file.path}: line {file.line_of(row.number)}: {benchmark.column} {value!r} is "
                f"none of the {len(classes)} classes of {benchmark.classnames}."
            )
        found[index] = place
    return found


def _image_files(folder: Path, csv: PairsCsv, rows: list[tuple[int, str]]) -> list[Path]:
    """Give each row's file; none may lie outside the folder, or be missing."""
    missing: list[tuple[int, str]] = []
    files = []
    for row, path in rows:
        try:
            file = below(folder, path.lstrip("/"))  # published code joins by "+": / is the root
        except PermissionError:
            where = f"{csv.path}: line {csv.line_of(row)}"
            raise InputError(f"{where}: {path!r} leads out of {folder}.") from None
        if not file.is_file():
            missing.append((row, path))
        files.append(file)
    if missing:
        row, path = missing[0]
        raise InputError(
            f"{csv.path}: {len(missing):,} of {len(rows):,} images are not there, the first "
            f"{path!r} (line {csv.line_of(row)})."
        )
    return files
