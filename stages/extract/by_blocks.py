"""Makes the areas of relations from what the shards read: their ways, and the file's relations."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.dataset as ds

from skyscript.osm.assembly import assemble
from skyscript.osm.blocks.errors import NotTakenError
from skyscript.osm.blocks.shard_rows import shard_rows, why_left
from skyscript.osm.file import OsmFile, bounds_in_header
from stages import tables
from stages.extract.blobs import work_of

if TYPE_CHECKING:
    from skyscript.osm.blocks.aside import AreaRelation
    from skyscript.osm.blocks.reader import BlockFile
    from stages.extract.columns import RelationRows


WAYS_AT_ONCE = 2_000_000
"""Ways of the relations that are assembled at once: libosmium keeps them in memory, and each time
reads the ways of all relations."""
_TABLES = (tables.BLOBS, tables.NODES, tables.WAYS)


@dataclass(frozen=True)
class Shards:
    """The parts of the tables `blobs`, `nodes` and `ways`."""

    blobs: tuple[str, ...]
    nodes: tuple[str, ...]
    ways: tuple[str, ...]

    @property
    def objects(self) -> list[Path]:
        """The parts with rows of objects."""
        return [*map(Path, self.nodes), *map(Path, self.ways)]


def read_relations(
    shards: Shards, path: Path, file_format: str, keys: Collection[str], folder: Path
) -> OsmFile:
    """Read the relations into the scratch files of `Rows`, and make areas of them.

    Gives a file of the area relations with the bounds of the whole file. Raises `NotTakenError` if
    libosmium must read the file.
    """
    from skyscript.osm.blocks.aside import Aside
    from skyscript.osm.blocks.reader import open_blocks
    from stages.extract.columns import RelationRows

    blobs, nodes, ways = (
        ds.dataset(list(parts), table.schema, format="parquet")
        for parts, table in zip(astuple(shards), _TABLES, strict=True)
    )
    if left := why_left(nodes) or why_left(ways):
        raise NotTakenError(left)
    small = folder / "areas.osm.pbf"
    batches: list[array[int]] = []
    with RelationRows(folder, keys) as rows:
        with open_blocks(path, keys) as file, small.open("wb") as out:
            aside = Aside(out)
            aside.header()
            for row in shard_rows(ways, "members"):
                out.write(row["members"])
            aside.relations(_batched(_area_relations(blobs, file, rows), batches))
        for batch in batches:
            assemble(small, batch, rows.area)
    source = OsmFile(small, folder, "pbf", name=str(path))
    source.bounds = bounds_in_header(path, folder, file_format)
    return source


def _area_relations(
    blobs: ds.Dataset, file: BlockFile, rows: RelationRows
) -> Iterator[AreaRelation]:
    from skyscript.osm.blocks.reader import Span

    span = Span()
    for part in blobs.get_fragments():
        for relations in file.relations(work_of(part.to_table()).relations, span):
            yield from rows.relations(relations)


def _batched(found: Iterable[AreaRelation], batches: list[array[int]]) -> Iterator[AreaRelation]:
    """Yield the same relations; ``batches`` get the ids of those that are assembled at once."""
    ways = WAYS_AT_ONCE
    for relation in found:
        if ways >= WAYS_AT_ONCE:
            batches.append(array("q"))
            ways = 0
        batches[-1].append(relation.osm_id)
        ways += len(relation.ways)
        yield relation
