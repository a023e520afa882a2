"""The cells of a table of densities: the size of a cell, and the counts around a place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.part_ranges import parts_meeting
from skyscript.geo.tile import Box

_KEY = b"cell"
Cell = tuple[int, int]
ANY = ""
"""Stands for all objects, whatever they show."""


class Count(NamedTuple):
    """The objects of a concept in a cell."""

    objects: int
    revisited: int
    """The number of these objects that were edited after they were drawn."""
    changed: int
    """The last change, in seconds since 1970; -1 if it is unknown."""


def with_cell(density: pa.Table, degrees: float) -> pa.Table:
    """Give the same table with the side of a cell in its metadata."""
    stored = {_KEY: repr(degrees).encode()}
    return density.replace_schema_metadata({**(density.schema.metadata or {}), **stored})


def cell_of(density: ds.Dataset) -> float:
    """Give the side of a cell in degrees."""
    first = next(iter(density.get_fragments()), None)
    metadata = first.physical_schema.metadata if first is not None else None
    return float((metadata or {}).get(_KEY, b"1"))


def cells_in(box: Box, side: float, reach: int = 0) -> Iterator[Cell]:
    """Yield the cells that a box meets, and those up to ``reach`` cells from them."""
    west, south, east, north = (int(edge) for edge in np.floor(np.array(box) / side))
    for x in range(west - reach, east + reach + 1):
        yield from ((x, y) for y in range(south - reach, north + reach + 1))


def counts_in(density: ds.Dataset, cells: Sequence[Cell]) -> Mapping[Cell, Mapping[str, Count]]:
    """Give the counts of some cells, by cell and concept.

    Memory holds the result and a few batches.
    """
    if not cells:
        return {}
    wanted = set(cells)
    x, y = (np.array(sorted({cell[axis] for cell in wanted})) for axis in (0, 1))
    found: dict[Cell, dict[str, Count]] = defaultdict(dict)
    sides = np.array(sorted(wanted))
    bounds = {"x": sides[:, 0], "y": sides[:, 1]}
    parts = parts_meeting(density, at_most=bounds, at_least=bounds)
    rows = pc.field("x").isin(_int32(x)) & pc.field("y").isin(_int32(y))
    names = ["x", "y", "concept", "objects", "revisited", "changed"]
    for batch in parts.to_batches(columns=names, filter=rows, batch_readahead=2):
        for *cell, concept, objects, revisited, changed in _rows(batch):
            if (at := (cell[0], cell[1])) in wanted:
                old = found[at].get(concept, Count(0, 0, -1))
                latest = max(old.changed, changed)
                found[at][concept] = Count(old.objects + objects, old.revisited + revisited, latest)
    return found


def _int32(numbers: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(numbers, pa.int32())


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[int, int, str, int, int, int]]:
    *plain, changed = batch.columns
    seconds = pc.fill_null(changed.cast(pa.int64()), -1)
    yield from zip(*(column.to_pylist() for column in (*plain, seconds)), strict=True)
