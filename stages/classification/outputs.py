"""The set on disk: the published benchmark layout, and the files for training."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pipeline.atomic import TEMPORARY, storage
from pipeline.errors import InputError
from skyscript.files.pairs_csv import csv_writer, write_pairs
from stages.classification.held_out import open_captions, read_rows

ROWS = "img_txt_pairs_val.csv"
CLASSNAMES = "classnames.txt"
IMAGES = "images"
HELD_OUT_OBJECTS = "left_out_objects.txt"
REPORT = "report.json"
TRAINING = "training"


@contextmanager
def replace_folder(out: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces ``out`` at the end of the context.

    Raises `InputError` if ``out`` exists and is neither empty nor a set of this program.
    """
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        ours = all((out / name).is_file() for name in (ROWS, CLASSNAMES, REPORT))
        if not ours or (out / "_run.json").exists():
            raise InputError(
                f"{out}: exists and is not a set of build-classification; choose another --out."
            )
    temporary = out.with_name(f"{TEMPORARY}{out.name}")
    old = out.with_name(f"{TEMPORARY}old-{out.name}")
    with storage(out):
        for path in (temporary, old):
            shutil.rmtree(path, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            if out.exists():
                out.rename(old)
            temporary.rename(out)
        finally:
            for path in (temporary, old):
                shutil.rmtree(path, ignore_errors=True)


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
                _place(run / path, folder / target, how)
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


def _place(source: Path, target: Path, how: Literal["link", "copy"]) -> None:
    if not source.is_file():
        raise InputError(f"{source}: the run's table names this image, but the file is missing.")
    if how == "link":
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                raise
        else:
            return
    shutil.copyfile(source, target)
