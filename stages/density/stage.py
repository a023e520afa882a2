"""Density: count the objects of each concept in each cell, so that gaps of the map can be found.

An object counts in every cell that its box meets, for each concept that its tags show at any
resolution and for all more general ones. A part of the table has the counts of one part of
``boxes``: readers add up the rows of a cell.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.schema import STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.captions.tile_concepts import things_in_tiles, with_names_above
from skyscript.geo.antimeridian import middles
from skyscript.geo.tile import Box
from skyscript.osm.density import ANY, with_cell
from skyscript.osm.tags import tags_of
from skyscript.ragged import counted
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from stages.density.config import DensityConfig
from tag_vocab import Vocabulary

MOST_CELLS = 400
"""An object whose box meets more cells counts only in that of its box's centre."""

Ints = npt.NDArray[np.int64]


class _Entry(NamedTuple):
    """A cell, and a group of objects that show the same concepts."""

    x: int
    y: int
    group: int


class _Counts(NamedTuple):
    objects: Ints
    revisited: Ints
    changed: Ints
    """Seconds since 1970; -1 if unknown."""


def density(
    boxes: pa.Table,
    vocab: ds.Dataset,
    *,
    config: DensityConfig,
    shard: Shard,  # noqa: ARG001
) -> pa.Table:
    """Count the objects of each concept in each cell, and those that were edited again."""
    assert config.cell is not None
    ok = boxes.filter(pc.field("status") == STATUS_OK)
    names, group = _groups(ok, run_vocabulary(vocab))
    at, x, y = _cells(ok, config.cell)
    entries, where = np.unique(np.stack([x, y, group[at]], 1), axis=0, return_inverse=True)
    counts = _count(ok, at, where.reshape(-1), len(entries))
    total: dict[tuple[int, int, str], list[int]] = {}
    for number, entry in enumerate(map(_Entry._make, entries.tolist())):
        row = [int(column[number]) for column in counts]
        for concept in names[entry.group]:
            key = entry.x, entry.y, concept
            old = total.get(key, [0, 0, -1])
            total[key] = [old[0] + row[0], old[1] + row[1], max(old[2], row[2])]
    return with_cell(_table(total), config.cell)


def _groups(objects: pa.Table, words: Vocabulary) -> tuple[list[tuple[str, ...]], Ints]:
    """Give groups of concepts, and the group of each object."""
    numbers: dict[tuple[str, ...], int] = {}

    @functools.lru_cache(maxsize=1 << 15)
    def number_of(kind: str, visible: tuple[tuple[str, str], ...]) -> int:
        names = concept_names(dict(visible), kind)
        return numbers.setdefault(names, len(numbers))

    of_each = [
        number_of(kind, tuple(words.visible(dict(tags), 0.0).items()))
        for kind, tags in zip(objects["kind"].to_pylist(), tags_of(objects["tags"]), strict=True)
    ]
    return list(numbers), np.array(of_each, dtype=np.int64)


def concept_names(tags: Mapping[str, str], kind: str) -> tuple[str, ...]:
    """Give all things that an object shows, specific and general, and `ANY`."""
    shown = things_in_tiles(tags, kind)
    return (ANY, *sorted(with_names_above(shown))) if shown else ()


def _cells(objects: pa.Table, side: float) -> tuple[Ints, Ints, Ints]:
    """Give pairs of an object's number and a cell: the cells that its box meets."""
    box = np.stack([objects[name].to_numpy() for name in Box._fields], 1).reshape(-1, 4)
    first, last = (np.floor(box[:, ends] / side).astype(np.int64) for ends in ([0, 1], [2, 3]))
    size = last - first + 1
    wide = size.prod(1) > MOST_CELLS
    centre = np.column_stack([middles(box), (box[:, 1] + box[:, 3]) / 2])[wide]
    first[wide], size[wide] = np.floor(centre / side).astype(np.int64), 1
    count = size.prod(1)
    at = np.repeat(np.arange(len(box)), count)
    within, across = counted(count), size[at, 0]
    return at, first[at, 0] + within % across, first[at, 1] + within // across


def _count(objects: pa.Table, at: Ints, where: Ints, entries: int) -> _Counts:
    again = pc.fill_null(pc.greater(objects["osm_version"], 1), False).to_numpy()
    seconds = pc.fill_null(objects["changed"].cast(pa.int64()), -1).to_numpy()
    latest = np.full(entries, -1, dtype=np.int64)
    np.maximum.at(latest, where, seconds[at])
    number = np.bincount(where, minlength=entries)
    revisited = np.bincount(where, weights=again[at], minlength=entries)
    return _Counts(number, revisited.astype(np.int64), latest)


def _table(total: Mapping[tuple[int, int, str], list[int]]) -> pa.Table:
    rows = sorted(total)
    x, y, concept = ([row[place] for row in rows] for place in range(3))
    objects, revisited, changed = ([total[row][place] for row in rows] for place in range(3))
    latest = pa.array([None if at < 0 else at for at in changed], pa.int64())
    columns = {
        "entry": pa.array([f"{a}/{b}/{name}" for a, b, name in rows], pa.string()),
        "x": pa.array(x, pa.int32()),
        "y": pa.array(y, pa.int32()),
        "concept": pa.array(concept, pa.string()),
        "objects": pa.array(objects, pa.int32()),
        "revisited": pa.array(revisited, pa.int32()),
        "changed": latest.cast(tables.DENSITY.schema.field("changed").type),
    }
    return pa.table(columns, schema=tables.DENSITY.schema)


def disabled(config: DensityConfig) -> str | None:
    """Give the reason not to count if the config has no size of a cell."""
    return None if config.cell else "the config does not ask for truth; set density.cell to 0.01"


DENSITY = ShardStage(
    "density",
    density,
    DensityConfig,
    reads=(tables.BOXES,),
    looks_up=(tables.VOCAB,),
    writes=tables.DENSITY,
    external=vocabulary,
    disabled=disabled,
)
