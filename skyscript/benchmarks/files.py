"""Reads a benchmark's files as the published code does, but checks them.

The published code uses pandas, and this module gives the same result: an empty field and the words
in `NULL_WORDS` are missing labels; a column of whole numbers contains positions in
``classnames.txt``, any other column contains names. Each line of ``classnames.txt`` is a class,
even a blank one. If two names are equal, the last one counts.
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
from skyscript.benchmarks.layout import Benchmark, choose_benchmarks, exists
from skyscript.files.image_tars import ImageFile
from skyscript.files.pairs_csv import NULL_WORDS, PairsCsv
from skyscript.files.tar_places import find_image, named_in_tars
from skyscript.images.decode import Unusable

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
"""A whole number, with a decimal point if pandas turned its column into floats."""
_SHOWN = 3


class Row(NamedTuple):
    """A row of a benchmark's CSV."""

    number: int
    """The number of the row, from 0."""
    path: str
    value: str | None
    """The label or caption; None if the field is missing."""


@dataclass(frozen=True)
class LabelledImages:
    """Images and the class of each."""

    paths: list[str]
    """The paths as in the CSV."""
    files: list[ImageFile]
    labels: NDArray[np.int64]
    """Positions in ``classes``."""
    classes: list[str]
    notes: list[str]
    """Sentences about the peculiarities of the set."""

    def select(self, rows: NDArray[np.int64], notes: list[str]) -> LabelledImages:
        """Give the set with only these images, and with more notes."""
        paths, files = ([column[row] for row in rows] for column in (self.paths, self.files))
        return LabelledImages(paths, files, self.labels[rows], self.classes, [*self.notes, *notes])


@dataclass(frozen=True)
class CaptionedImages:
    """Images, texts, and the pairs of both."""

    paths: list[str]
    """Distinct, sorted."""
    files: list[ImageFile]
    texts: list[str]
    """Distinct, sorted, with the prefix."""
    image_of: NDArray[np.int64]
    """The image of each pair, in the file's order."""
    text_of: NDArray[np.int64]
    """The text of each pair."""
    notes: list[str]

    def select(self, rows: NDArray[np.int64], notes: list[str]) -> CaptionedImages:
        """Give the set with only these images and their texts, and with more notes."""
        selected = np.isin(self.image_of, rows)
        texts, text_of = np.unique(self.text_of[selected], return_inverse=True)
        return CaptionedImages(
            [self.paths[row] for row in rows],
            [self.files[row] for row in rows],
            [self.texts[text] for text in texts],
            np.searchsorted(rows, self.image_of[selected]),
            text_of,
            [*self.notes, *notes],
        )


def find_present(root: Path, names: Sequence[str] | None = None) -> list[Benchmark]:
    """Give the named benchmarks that exist under a root, after a check; skip the missing ones.

    Raises `InputError` if the root does not exist, if a name is unknown, or if a benchmark lacks a
    column, a class or an image.
    """
    found = [benchmark for benchmark in choose_benchmarks(root, names) if exists(benchmark, root)]
    for benchmark in found:
        check(benchmark, root)
    return found


def check(benchmark: Benchmark, root: Path) -> None:
    """Raise `InputError` if a benchmark lacks a column, a class or an image."""
    (read_captioned if benchmark.kind == "retrieval" else read_labelled)(benchmark, root)


def read_labelled(benchmark: Benchmark, root: Path) -> LabelledImages:
    """Read a set of labelled images. Raises `InputError` that names file and line."""
    classes, notes = _classes(root / benchmark.classnames)
    file = PairsCsv(root / benchmark.csv, ("filepath", benchmark.column))
    rows = _rows(file, benchmark.column)
    labelled = [row for row in rows if row.value is not None]
    if dropped := len(rows) - len(labelled):
        notes.append(
            f"{dropped:,} of {len(rows):,} rows have no label (empty, or a word that pandas reads "
            "as empty: NA, None, null ...) and are left out, as published"
        )
    if not labelled:
        raise InputError(f"{file.path}: no row has a value in {benchmark.column!r}.")
    labels = _class_numbers(file, benchmark, labelled, classes)
    rows_and_paths = [(row.number, row.path) for row in labelled]
    files = _image_files(root / benchmark.images, file, rows_and_paths)
    return LabelledImages([row.path for row in labelled], files, labels, classes, notes)


def read_captioned(benchmark: Benchmark, root: Path) -> CaptionedImages:
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
        without = len(first) - len({path for path, _ in pairs})
        notes.append(
            f"{dropped:,} of {len(rows):,} rows have no caption; {without:,} images have none "
            "at all and are never found, as published"
        )
    files = _image_files(root / benchmark.images, file, [(first[path], path) for path in paths])
    image, text = ({item: at for at, item in enumerate(items)} for items in (paths, texts))
    image_of, text_of = zip(*((image[path], text[caption]) for path, caption in pairs), strict=True)
    return CaptionedImages(paths, files, texts, np.array(image_of), np.array(text_of), notes)


def unusable_notes(
    wrong: Sequence[tuple[int, Unusable]], files: Sequence[ImageFile] | Sequence[str]
) -> list[str]:
    """Give a note about the unusable images. Raises `InputError` if no image is usable."""
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
        raise InputError(f"{path}: there is no such file; it names the classes, one in each line.")
    try:
        with path.open(encoding="utf-8-sig") as file:
            names = [line.strip() for line in file]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8: {error}.") from None
    if not names:
        raise InputError(f"{path}: contains no class.")
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


def _class_numbers(
    file: PairsCsv, benchmark: Benchmark, rows: list[Row], classes: list[str]
) -> NDArray[np.int64]:
    """Give each row's class number; if all labels are whole numbers, they are class numbers."""
    named = {name: at for at, name in enumerate(classes)}  # the last of equal names
    by_number = all(_WHOLE.fullmatch(row.value or "") for row in rows)
    found = np.empty(len(rows), np.int64)
    for index, row in enumerate(rows):
        value = row.value or ""
        place = float(value) if by_number else named.get(value, -1)  # may be infinite
        if not 0 <= place < len(classes):
            raise InputError(
                f"{file.path}: line {file.line_of(row.number)}: {benchmark.column} {value!r} is "
                f"none of the {len(classes)} classes of {benchmark.classnames}."
            )
        found[index] = place
    return found


def _image_files(folder: Path, csv: PairsCsv, rows: list[tuple[int, str]]) -> list[ImageFile]:
    """Return the file of each row's image, or its place in a tar of a run.

    Raises `InputError` if a file is missing or outside the folder.
    """
    missing: list[tuple[int, str]] = []
    files = []
    inside = named_in_tars(folder, (path.lstrip("/") for _, path in rows))
    for row, path in rows:
        try:
            file = find_image(folder, path.lstrip("/"), inside)  # the published code joins by "+"
        except PermissionError:
            where = f"{csv.path}: line {csv.line_of(row)}"
            raise InputError(f"{where}: {path!r} leads out of {folder}.") from None
        if not file.is_file():
            missing.append((row, path))
        files.append(file)
    if missing:
        row, path = missing[0]
        raise InputError(
            f"{csv.path}: {len(missing):,} of {len(rows):,} images are missing, the first "
            f"{path!r} (line {csv.line_of(row)})."
        )
    return files
