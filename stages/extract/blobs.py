"""Blobs: ranges of a PBF file that `nodes` and `ways` read side by side.

How many there are depends on the size of the file alone, so workers change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.stage import DatasetStage
from pipeline.storage import Place
from stages import tables
from stages.extract.config import ExtractConfig
from stages.extract.inputs import external, osm_files, wanted_keys, why_not_by_blocks

SHARD_BYTES = 32_000_000
"""Bytes of the file for each shard. What a worker holds is several times as much."""
LEAST_SHARDS = 8
"""So that the workers of one machine share a small file, too."""


class Work(NamedTuple):
    """A row of the table: what a shard reads of the file."""

    nodes: Sequence[Any]
    ways: Sequence[Any]
    relations: Sequence[Any]
    members: Any
    left: str | None = None


def list_blobs(*, config: ExtractConfig, root: Place) -> Iterator[pa.Table]:  # noqa: ARG001
    """Cut the OSM file into ranges of blobs of nodes, ways and relations.

    The relations are decoded, because they name the ways that areas are made of. A file that
    libosmium must read gives one row, with the reason. Raises `InputError` if it is damaged.
    """
    from skyscript.osm.blocks.errors import NotTakenError
    from skyscript.osm.blocks.ranges import cut
    from skyscript.osm.blocks.reader import open_blocks

    (path,) = osm_files(config)
    count = max(LEAST_SHARDS, -(-path.stat().st_size // SHARD_BYTES))
    try:
        with open_blocks(path, wanted_keys(config)) as file:
            shards = [Work(*ranges) for ranges in cut(file, count)]
    except NotTakenError as reason:
        shards = [Work([], [], [], np.empty(0, np.int64), str(reason))]
    for number, shard in enumerate(shards):
        yield _row(number, shard)


def _row(number: int, shard: Work) -> pa.Table:
    blobs = {
        name: [[blob._asdict() for blob in getattr(shard, name)]]
        for name in ("nodes", "ways", "relations")
    }
    others = {"shard": [number], "members": [shard.members], "left": [shard.left]}
    return pa.table({**blobs, **others}, tables.BLOBS.schema)


def work_of(part: pa.Table) -> Work:
    """Give what a part of the table names, which has one row."""
    from skyscript.osm.blocks.container import Blob

    (row,) = part.to_pylist()
    nodes, ways, relations = (
        [Blob(**blob) for blob in row[name]] for name in ("nodes", "ways", "relations")
    )
    return Work(nodes, ways, relations, np.array(row["members"], np.int64), row["left"])


BLOBS = DatasetStage(
    "blobs",
    list_blobs,
    ExtractConfig,
    reads=(),
    writes=tables.BLOBS,
    external=external,
    disabled=why_not_by_blocks,
    block_of="extract",
)
