"""The rows of shards in the tables of nodes and ways that they read, and where the nodes are.

Such a row says which ids the shard read, in which file the places of its nodes are, and why
libosmium must read the file, if it must.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.parquet_files import open_parts
from pipeline.storage import Place, local_copy, place_of

if TYPE_CHECKING:
    from skyscript.osm.blocks.places import Places

SHARD = "s"
"""The kind of the row of a shard."""


def shard_rows(table: ds.Dataset, *columns: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of the shards of a table, in order."""
    for batch in table.to_batches(columns=list(columns), filter=pc.field("kind") == SHARD):
        yield from batch.to_pylist()


def why_left(table: ds.Dataset) -> str | None:
    """Say why libosmium must read the file of a table of nodes or ways; None if it need not."""
    last = 0
    for row in shard_rows(table, "first", "last", "left"):
        if row["left"] is not None:
            return str(row["left"])
        if row["first"]:  # the shard has some
            if row["first"] <= last:
                return "its ids do not rise"
            last = row["last"]
    return None


def map_places(root: Place, nodes: ds.FileSystemDataset) -> Places | str:
    """Map the places of all nodes of a run; or say why libosmium must read the file."""
    found = (place_of(file).stat() for file in nodes.files)
    states = tuple((each.st_mtime_ns, each.st_size) for each in found)
    return _mapped(root, tuple(nodes.files), states)


@lru_cache(maxsize=1)
def _mapped(root: Place, parts: tuple[str, ...], _: tuple[tuple[int, int], ...]) -> Places | str:
    """Do so once in a process, as long as the parts do not change."""
    from skyscript.osm.blocks.places import Places

    nodes = open_parts(map(place_of, parts), None)
    if left := why_left(nodes):
        return left
    rows = shard_rows(nodes, "first", "places")
    return Places(
        [(row["first"], local_copy(root / row["places"])) for row in rows if row["first"]]
    )
