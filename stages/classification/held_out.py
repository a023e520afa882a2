"""Which images of a run the set may use, and which objects are then held out of training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import InputError
from skyscript import chance
from skyscript.files.names import parse
from skyscript.files.pairs_csv import PairsCsv
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
    found = {name for path in files for _, name in rows_of(captions_file(path))}
    names = pa.array(sorted(found), pa.string())
    there = pc.is_in(places.object_ids, names).to_numpy(zero_copy_only=False)
    rows: Rows = np.flatnonzero(there)
    if not len(rows):
        raise InputError(f"{files[0]}: names no object of this run.")
    return rows


def captions_file(path: Path) -> PairsCsv:
    """Open a captions file, of which only the paths are of interest."""
    return PairsCsv(path, ("filepath",))


def rows_of(file: PairsCsv) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give each row, and its object. Raises `InputError` that names a line with another path."""
    at = file.columns.index("filepath")
    for number, row in enumerate(file.rows()):
        name = parse(row[at])
        if name is None:
            raise InputError(
                f"{file.path}: line {file.line_of(number)}: {row[at]!r} is not the name of an "
                "image of a run, which begins with its object: n12_CH_19.jpg."
            )
        yield row, name.object_id
