"""What each table of a run holds about one object, as lines of text for `skyscript look`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow.compute as pc

from pipeline.errors import InputError
from pipeline.run import Run
from pipeline.schema import STATUS_OK
from pipeline.storage import Place, local_copy
from pipeline.trail import SIDES, Step, follow, rows_with
from skyscript.files.image_tars import image_file
from skyscript.files.names import NOT_KEPT, OSM_TYPES, parse
from skyscript.files.pairs_csv import PairsCsv
from stages import PIPELINE, tables
from tag_vocab import ANY

_ID = re.compile(r"[nwar][0-9]{1,19}")
_HIDDEN = ("geometry", "bbox", "object_id", "status", "reason", "error")
"""Columns that the head line of a table says, or that are no text."""
_ABSENT = {
    "boxes": "no row: the extract has no such object with a key of the vocabulary",
    "eligible": "no row: no source can show it",
    "sample": "no row: the object has no tile of its own, it is only context of others",
    "extract": "no row: no tile can show it",
}
"""What it means that a stage's table lacks the object."""


def look_lines(root: Place, name: str) -> Iterator[str]:
    """Yield what each table of a run says about an object, and which files hold its pair.

    ``name`` is an object's id, or the path of its image or meta. Raises `InputError` if the folder
    has no objects, or if no table holds this one.
    """
    object_id = _object_of(name)
    run = Run(root)
    if not run.folder(tables.BOXES).shards():
        raise InputError(f"{root}: has no table of objects; skyscript run makes one")
    steps = follow(PIPELINE, run, "object_id", object_id)
    rows = {step.stage.writes.name: step.row for step in steps if step.row is not None}
    if not rows:
        raise _unknown(run, object_id)
    yield f"{object_id}  https://www.openstreetmap.org/{OSM_TYPES[object_id[0]]}/{object_id[1:]}"
    said: dict[str, object] = {}
    for step in _without_repeats(steps):
        yield from _lines_of(step, said)
        if step.stage.writes is tables.IMAGES:
            yield from _image_line(step.row, root)
        if step.stage.writes is tables.BOXES and step.row is not None:
            yield from _vocab_lines(run, dict(step.row["tags"]))
    if path := rows.get("captions", {}).get("filepath"):
        yield from _file_lines(run, path)


def _without_repeats(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps up to the first table without the row.

    Leaves out those that only repeat that the row is lost, and why.
    """
    lost: tuple[object, object] | None = None
    for step in steps:
        if step.row is None:
            if lost is None:
                yield step
            return
        state = step.row.get("status", STATUS_OK), step.row.get("reason")
        if state != lost:
            yield step
        if state[0] != STATUS_OK:
            lost = state


def _object_of(name: str) -> str:
    """Give the object's id for an id, or for the path of an image or a meta."""
    parsed = parse(name)
    object_id = parsed.object_id if parsed else name
    if not _ID.fullmatch(object_id):
        raise InputError(
            f"{name}: is no object: write its kind (n, w, a or r) and its OSM number, for example "
            "a198234555, or the path of its image"
        )
    return object_id


def _unknown(run: Run, object_id: str) -> InputError:
    """Give the error for an object that no table holds; a way may be a line or an area."""
    other = {"w": "a", "a": "w"}.get(object_id[0])
    message = f"{run.root}: has no object {object_id}"
    if other and any(
        step.row for step in follow(PIPELINE, run, "object_id", other + object_id[1:])
    ):
        kinds = {"w": "a line", "a": "an area"}
        return InputError(f"{message}; this way is {kinds[other]}: {other}{object_id[1:]}")
    return InputError(f"{message}: extract found none with a key of the vocabulary")


def _lines_of(step: Step, said: dict[str, object]) -> Iterator[str]:
    """Yield a table's name with what became of the row, and its values that were not ``said``."""
    yield ""
    yield f"{step.stage.writes.name:10} {_outcome(step)}"
    for column, value in _values(step.row or {}).items():
        if said.get(column) == value:
            continue
        said[column] = value
        if isinstance(value, list) and isinstance(value[0], tuple | Mapping):
            yield f"  {column}:"
            yield from (f"    {_text(item)}" for item in value)
        else:
            yield f"  {column}: {_text(value)}"


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a row that are worth a line; the four sides of a box as one value."""
    values: dict[str, Any] = {}
    for column, value in row.items():
        if column in _HIDDEN or value is None or value == []:
            continue
        if column not in SIDES:
            values[column] = value
        elif column == SIDES[0]:
            values["box"] = [row[side] for side in SIDES]
    return values


def _image_line(images: Mapping[str, Any] | None, root: Place) -> Iterator[str]:
    """Yield where the image is, for a row that names one."""
    if images is not None and images["filepath"] is not None:
        file = image_file(root, images)
        lacks = "" if file.is_file() else "  (this file is missing)"
        yield f"  image: {file}{lacks}"


def _outcome(step: Step) -> str:
    if step.row is None:
        absent = _ABSENT.get(step.stage.name, "no row")
        return absent if step.is_complete else "no row yet: the table is not complete"
    status, reason = step.row.get("status", STATUS_OK), step.row.get("reason")
    error = f" ({step.row['error']})" if step.row.get("error") else ""
    return f"{status}{f': {_text(reason)}' if reason else ''}{error}, part {step.part}"


def _vocab_lines(run: Run, tags: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each tag of the object: whether it can be seen, and why."""
    folder = run.folder(tables.VOCAB)
    yield ""
    yield "vocab      which of its tags can be seen"
    wanted = pc.field("key").isin([*tags]) & pc.field("value").isin([*tags.values(), ANY])
    columns = ["key", "value", "groundable", "max_gsd", "phrase", "source", "reason", "current"]
    found = {
        (row["key"], row["value"]): row for row in rows_with(folder.dataset(), wanted, columns)
    }
    for key, value in tags.items():
        entry = found.get((key, value)) or found.get((key, ANY))
        yield f"  {_text((key, value))}: {_seen(entry)}"


def _seen(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "no entry: no usable object carries it"
    today = f", today {entry['current']}" if entry["current"] else ""
    how = f"({entry['source']}: {entry['reason']}{today})"
    if not entry["groundable"]:
        return _text(f"cannot be seen {how}")
    return _text(f"seen up to {entry['max_gsd']:g} m a pixel as {entry['phrase']!r} {how}")


def _file_lines(run: Run, path: str) -> Iterator[str]:
    """Yield for each CSV of the run whether it holds the pair, and in which row."""
    yield ""
    yield "files      which files hold the pair"
    for table in (tables.FILES, tables.FILTERED):
        for listed in rows_with(run.folder(table).dataset(), pc.field("rows") >= 0, ["filepath"]):
            if listed["filepath"].endswith(".csv") and listed["filepath"] != NOT_KEPT:
                row = _row_in(run.root / listed["filepath"], path)
                where = "no" if row is None else f"row {row:,}"
                yield f"  {listed['filepath']}: {where}"


def _row_in(csv: Place, path: str) -> int | None:
    """Give the row of a CSV that names an image, counted from 1; None if there is none."""
    before = 0
    pairs = PairsCsv(local_copy(csv), ("filepath",))
    for batch in pairs.batches(["filepath"]):
        if (at := pc.index(batch.column(0), path).as_py()) >= 0:
            return int(before + at + 1)
        before += len(batch)
    return None


def _text(value: object) -> str:
    """Give a value as text in one line; characters that could control a terminal are escaped."""
    if isinstance(value, tuple):  # a tag
        return _text("=".join(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:.10g}"
    return _printable(str(value))


def _printable(text: Iterable[str]) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
