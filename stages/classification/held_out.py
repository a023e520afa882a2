"""Which images of a run the set may use, and which objects are then held out of training."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import InputError
from skyscript import chance
from stages.classification.config import ClassificationConfig
from stages.classification.spatial import (
    Mask,
    Places,
    Rows,
    block_name,
    own_blocks,
    sharing_ground,
    touched,
)

_NAME = re.compile(r"(?:^|/)([nwar][0-9]+)_[A-Za-z0-9]+_[0-9]{2}\.[A-Za-z]+$")
csv.field_size_limit(1 << 20)


class Candidates(NamedTuple):
    """The images that the set may use."""

    eligible: Mask
    """For each image of the run, whether the set may use it."""
    blocks: NDArray[np.int64]
    """The drawn blocks; empty where single objects are held out."""
    trained: Rows
    """Images that a model was trained on already."""


class HeldOutObjects(NamedTuple):
    """The objects that training must not use."""

    rows: Rows
    blocks: list[str]
    """The corners, in block sides, of the drawn blocks from which the set has an image."""


def draw_candidates(places: Places, config: ClassificationConfig) -> Candidates:
    """Draw the images that the set may use. Raises `InputError` where there are none."""
    nothing = np.zeros(0, np.int64)
    if config.trained_on:
        trained = _trained(places, config.trained_on)
        eligible = np.ones(len(places.boxes), bool)
        eligible[trained] = False
        eligible[sharing_ground(places.boxes, np.flatnonzero(eligible), trained)] = False
        return Candidates(eligible, nothing, trained)
    if config.hold_out == "objects":
        draws = [
            chance.uniform(config.seed, name, "classification")
            for name in places.object_ids.to_pylist()
        ]
        return Candidates(np.array(draws) < config.max_held_out, nothing, nothing)
    blocks = _drawn_blocks(places, config)
    _, whole = touched(places.boxes, config.block, blocks)
    return Candidates(whole, blocks, nothing)


def held_out_objects(
    places: Places, candidates: Candidates, chosen: Rows, config: ClassificationConfig
) -> HeldOutObjects:
    """Give the objects that training must not use, for the chosen images; it may use all others."""
    if config.trained_on:
        return HeldOutObjects(np.sort(chosen), [])
    if config.hold_out == "objects":
        every = np.arange(len(places.boxes))
        near = sharing_ground(places.boxes, every, chosen)
        return HeldOutObjects(np.union1d(near, chosen), [])
    used = [b for b in candidates.blocks.tolist() if touched_any(places, chosen, b, config.block)]
    some, _ = touched(places.boxes, config.block, np.array(used, np.int64))
    return HeldOutObjects(np.flatnonzero(some), [block_name(block) for block in used])


def touched_any(places: Places, rows: Rows, block: int, side: float) -> bool:
    """Tell whether any of the rows' boxes touches a block."""
    some, _ = touched(places.boxes[rows], side, np.array([block], np.int64))
    return bool(some.any())


def _drawn_blocks(places: Places, config: ClassificationConfig) -> NDArray[np.int64]:
    """Draw blocks up to the share that may be held out; one of too many images stays training's."""
    blocks, counts = np.unique(own_blocks(places.boxes, config.block), return_counts=True)
    left = int(len(places.boxes) * config.max_held_out)
    drawn = sorted(
        zip(blocks.tolist(), counts.tolist(), strict=True),
        key=lambda one: (chance.uniform(config.seed, block_name(one[0]), "classification"), one),
    )
    chosen = []
    for block, count in drawn:
        if count <= left:
            chosen.append(block)
            left -= count
    if not chosen:
        raise InputError(
            f"the run lies in {len(blocks)} blocks of {config.block:g} degrees, and none holds as "
            f"few as {config.max_held_out:.0%} of its images: choose smaller blocks (block), a "
            "larger share (max_held_out), or hold_out=objects."
        )
    return np.array(chosen, np.int64)


def _trained(places: Places, files: tuple[Path, ...]) -> Rows:
    names = pa.array(sorted({name for file in files for name in object_ids_in(file)}), pa.string())
    there = pc.is_in(places.object_ids, names).to_numpy(zero_copy_only=False)
    rows: Rows = np.flatnonzero(there)
    if not len(rows):
        raise InputError(f"{files[0]}: names no object of this run.")
    return rows


def object_ids_in(path: Path) -> Iterator[str]:
    """Give the object of each row of a captions file."""
    for _, name in rows_of(path):
        yield name


def rows_of(path: Path) -> Iterator[tuple[list[str], str]]:
    """Give each row after the header, and its object. Raises `InputError` that names a bad line."""
    header = header_of(path)
    column = header.index("filepath")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            next(reader)
            for row in reader:
                if len(row) != len(header):
                    raise InputError(
                        f"{path}: line {reader.line_num} has {len(row)} fields, the header "
                        f"{len(header)}."
                    )
                found = _NAME.search(row[column])
                if not found:
                    raise InputError(
                        f"{path}: line {reader.line_num}: {row[column]!r} is no image of a run, "
                        "whose name begins with its object's."
                    )
                yield row, found[1]
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path}: is not a CSV in UTF-8: {error}.") from None


def header_of(path: Path) -> list[str]:
    """Give a captions file's columns. Raises `InputError` where it is none."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such captions file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not a CSV in UTF-8: {error}.") from None
    if "filepath" not in header:
        raise InputError(f"{path}: has no column 'filepath'; it has {', '.join(header) or 'none'}.")
    return header
