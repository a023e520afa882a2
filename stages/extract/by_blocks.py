"""Makes the areas of relations from what the shards read: their ways, and the file's relations."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.dataset as ds

from skyscript.osm.blocks.errors import NotTakenError
from skyscript.osm.blocks.shard_rows import shard_rows, why_left
from skyscript.osm.file import OsmFile, bounds_in_header
from stages import tables
from stages.extract.blobs import work_of

if TYPE_CHECKING:
    import osmium

    from skyscript.osm.blocks.aside import AreaRelation
    from skyscript.osm.blocks.reader import BlockFile
    from stages.extract.columns import RelationRows
    from stages.extract.rows import Rows


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
    with RelationRows(folder, keys) as rows:
        with open_blocks(path, keys) as file, small.open("wb") as out:
            aside = Aside(out)
            aside.header()
            for row in shard_rows(ways, "members"):
                out.write(row["members"])
            aside.relations(_area_relations(blobs, file, rows))
        source = OsmFile(small, folder, "pbf", name=str(path))
        source.bounds = bounds_in_header(path, folder, file_format)
        source.read(keys, _AreasOf(rows))
    return source


def _area_relations(
    blobs: ds.Dataset, file: BlockFile, rows: RelationRows
) -> Iterator[AreaRelation]:
    from skyscript.osm.blocks.reader import Span

    span = Span()
    for part in blobs.get_fragments():
        for relations in file.relations(work_of(part.to_table()).relations, span):
            yield from rows.relations(relations)


class _AreasOf:
    """Passes areas to rows that have all other objects already."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def node(self, node: osmium.osm.Node) -> None:
        """Leave a node out."""

    def way(self, way: osmium.osm.Way) -> None:
        """Leave a way out."""

    def relation(self, relation: osmium.osm.Relation) -> None:
        """Leave a relation out."""

    def area(self, area: osmium.osm.Area) -> None:
        """Pass an area on."""
        self._rows.area(area)
