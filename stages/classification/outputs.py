"""The set on disk: the published benchmark layout, and the files for training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pipeline.errors import InputError
from pipeline.out_folder import place_file
from skyscript.files.pairs_csv import csv_writer, write_pairs
from stages.classification.held_out import open_captions, read_rows

ROWS = "img_txt_pairs_val.csv"
CLASSNAMES = "classnames.txt"
IMAGES = "images"
HELD_OUT_OBJECTS = "left_out_objects.txt"
REPORT = "report.json"
TRAINING = "training"
MARKS = (ROWS, CLASSNAMES, REPORT)
"""The files that every set has."""


def write_set(
    folder: Path,
    name: str,
    run: Path,
    images: Mapping[str, Sequence[str]],
    how: Literal["link", "copy"],
) -> None:
    """Write the labelled images of each class. Paths in the CSV start at the benchmark root."""
    (folder / IMAGES).mkdir()
    with csv_writer(folder / ROWS, ("filepath", "label")) as write:
        for label, paths in images.items():
            for path in paths:
                target = Path(IMAGES) / Path(path).name
                place_file(run / path, folder / target, how)
                write([f"{name}/{target}", label])
    (folder / CLASSNAMES).write_text("".join(f"{label}\n" for label in images), "utf-8")


def write_training(folder: Path, captions: Path, without: set[str]) -> int:
    """Copy a captions file without the pairs of some objects. Returns the number of these pairs."""
    (folder / TRAINING).mkdir(exist_ok=True)
    target = folder / TRAINING / captions.name
    if target.exists():
        raise InputError(f"{captions}: another captions file has the same name; rename one.")
    file = open_captions(captions)
    count = 0

    def select() -> Iterator[tuple[str, ...]]:
        nonlocal count
        for row, name in read_rows(file):
            if name in without:
                count += 1
            else:
                yield row

    write_pairs(target, file.columns, select())
    return count
