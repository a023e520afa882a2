"""The set on disk: the published benchmark layout, and beside it what training must leave out."""

from __future__ import annotations

import csv
import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pipeline.atomic import TEMPORARY, storage, write_json
from pipeline.errors import InputError
from stages.classification.held_out import header_of, rows_of

ROWS = "img_txt_pairs_val.csv"
CLASSNAMES = "classnames.txt"
IMAGES = "images"
HELD_OUT_OBJECTS = "left_out_objects.txt"
REPORT = "report.json"
TRAINING = "training"


@contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """Give an empty folder that takes the place of ``out`` at the end, an older set's or none's.

    Raises `InputError` where ``out`` holds something else.
    """
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        ours = all((out / name).is_file() for name in (ROWS, CLASSNAMES, REPORT))
        if not ours or (out / "_run.json").exists():
            raise InputError(f"{out}: is there, and is no set of ours; choose another --out.")
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
    """Write the labelled images of each class; paths in the CSV start at the benchmark root."""
    (folder / IMAGES).mkdir()
    with (folder / ROWS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["filepath", "label"])
        for label, paths in images.items():
            for path in paths:
                target = Path(IMAGES) / Path(path).name
                _place(run / path, folder / target, how)
                writer.writerow([f"{name}/{target}", label])
    (folder / CLASSNAMES).write_text("".join(f"{label}\n" for label in images), "utf-8")


def write_held_out_objects(folder: Path, names: Sequence[str]) -> None:
    """Write the objects that training must not use, one a line."""
    (folder / HELD_OUT_OBJECTS).write_text("".join(f"{name}\n" for name in names), "utf-8")


def write_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write what was chosen and why."""
    write_json(folder / REPORT, report)


def write_training(folder: Path, captions: Path, without: set[str]) -> int:
    """Write a captions file without the pairs of some objects; give how many were left out."""
    (folder / TRAINING).mkdir(exist_ok=True)
    target = folder / TRAINING / captions.name
    if target.exists():
        raise InputError(f"{captions}: a second captions file of this name; rename one.")
    count = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header_of(captions))
        for row, name in rows_of(captions):
            if name in without:
                count += 1
            else:
                writer.writerow(row)
    return count


def _place(source: Path, target: Path, how: Literal["link", "copy"]) -> None:
    if not source.is_file():
        raise InputError(f"{source}: the run's table names this image, and it is not there.")
    if how == "link":
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                raise
        else:
            return
    shutil.copyfile(source, target)
