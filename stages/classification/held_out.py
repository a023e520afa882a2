"""Chooses the images that the set may use, and the objects that training must not use."""

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
    find_blocks,
    find_overlaps,
    match_blocks,
    name_block,
)


class Candidates(NamedTuple):
    """The images that the set may use."""

    eligible: Mask
    """For each image of the run, whether the set may use it."""
    blocks: NDArray[np.int64]
    """The drawn blocks; empty if single objects are held out."""
    trained: Rows
    """Images on which a model was already trained."""


class HeldOutObjects(NamedTuple):
    """The objects that training must not use."""

    rows: Rows
    blocks: list[str]
    """The corners, in block sides, of the drawn blocks from which the set has an image."""


def draw_candidates(places: Places, config: ClassificationConfig) -> Candidates:
    """Draw the images that the set may use. Raises `InputError` if there are none."""
    nothing = np.zeros(0, np.int64)
    if config.trained_on:
        trained = _find_trained(places, config.trained_on)
        eligible = np.ones(len(places.boxes), bool)
        eligible[trained] = False
        eligible[find_overlaps(places.boxes, np.flatnonzero(eligible), trained)] = False
        return Candidates(eligible, nothing, trained)
    if config.hold_out == "objects":
        draws = [
            chance.uniform(config.seed, name, "classification")
            for name in places.object_ids.to_pylist()
        ]
        return Candidates(np.array(draws) < config.max_held_out, nothing, nothing)
    blocks = _draw_blocks(places, config)
    _, inside = match_blocks(places.boxes, config.block, blocks)
    return Candidates(inside, blocks, nothing)


def find_held_out(
    places: Places, candidates: Candidates, chosen: Rows, config: ClassificationConfig
) -> HeldOutObjects:
    """Find the objects that training must not use because the set has the chosen images."""
    if config.trained_on:
        return HeldOutObjects(np.sort(chosen), [])
    if config.hold_out == "objects":
        every = np.arange(len(places.boxes))
        near = find_overlaps(places.boxes, every, chosen)
        return HeldOutObjects(np.union1d(near, chosen), [])
    boxes = places.boxes[chosen]
    used = [
        block
        for block in candidates.blocks.tolist()
        if match_blocks(boxes, config.block, np.array([block], np.int64))[0].any()
    ]
    touching, _ = match_blocks(places.boxes, config.block, np.array(used, np.int64))
    return HeldOutObjects(np.flatnonzero(touching), [name_block(block) for block in used])


def _draw_blocks(places: Places, config: ClassificationConfig) -> NDArray[np.int64]:
    """Draw blocks, up to the maximum share of images. A block with too many images is skipped.

    Raises `InputError` if every block has too many.
    """
    blocks, counts = np.unique(find_blocks(places.boxes, config.block), return_counts=True)
    left = int(len(places.boxes) * config.max_held_out)
    drawn = sorted(
        zip(blocks.tolist(), counts.tolist(), strict=True),
        key=lambda one: (chance.uniform(config.seed, name_block(one[0]), "classification"), one),
    )
    chosen = []
    for block, count in drawn:
        if count <= left:
            chosen.append(block)
            left -= count
    if not chosen:
        raise InputError(
            f"the run has {len(blocks)} blocks of {config.block:g} degrees, and each of them has "
            f"more than {config.max_held_out:.0%} of its images: choose smaller blocks (block), a "
            "larger share (max_held_out), or hold_out=objects."
        )
    return np.array(chosen, np.int64)


def _find_trained(places: Places, files: tuple[Path, ...]) -> Rows:
    found = {name for path in files for _, name in read_rows(open_captions(path))}
    names = pa.array(sorted(found), pa.string())
    there = pc.is_in(places.object_ids, names).to_numpy(zero_copy_only=False)
    rows: Rows = np.flatnonzero(there)
    if not len(rows):
        raise InputError(f"{files[0]}: contains no object of this run.")
    return rows


def open_captions(path: Path) -> PairsCsv:
    """Open a captions file. Only its column ``filepath`` is required."""
    return PairsCsv(path, ("filepath",))


def read_rows(file: PairsCsv) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each row with its object. Raises `InputError` if a path does not begin with one."""
    at = file.columns.index("filepath")
    for number, row in enumerate(file.rows()):
        name = parse(row[at])
        if name is None:
            raise InputError(
                f"{file.path}: line {file.line_of(number)}: {row[at]!r} is not the name of an "
                "image of a run, which starts with its object id: n12_CH_19.jpg."
            )
        yield row, name.object_id
