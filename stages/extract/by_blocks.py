"""Reads a PBF file by blocks, in columns, where that is possible and pays."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from skyscript.osm.file import OsmFile, bounds_in_header

if TYPE_CHECKING:
    import osmium

    from stages.extract.rows import Rows

log = logging.getLogger(__name__)

FROM_SIZE = 8_000_000
"""The smallest file in bytes that is read by blocks. On smaller ones libosmium takes less time than
numba needs to compile the decoder once, which takes about 17 seconds."""
LIBRARIES = ("numba", "isal")
"""What the decoder needs: the extra ``fast``."""


def read_by_blocks(
    path: Path, file_format: str, keys: Collection[str], folder: Path
) -> OsmFile | None:
    """Read a PBF file by blocks into the scratch files of `Rows`.

    Gives a file of its area relations, with the bounds of the whole file; None if libosmium must
    read the file, because it is small, of another format, or not as the block decoder wants it.
    """
    if "pbf" not in file_format:
        return None
    if path.stat().st_size < FROM_SIZE:
        return None
    if not all(map(importlib.util.find_spec, LIBRARIES)):
        log.info("%s is read object by object: the extra `fast` is not installed", path)
        return None
    from skyscript.osm.blocks.errors import NotTakenError
    from skyscript.osm.blocks.reader import read_blocks
    from stages.extract.columns import ColumnRows

    try:
        with ColumnRows(folder, keys) as rows:
            source = OsmFile(read_blocks(path, keys, rows, folder), folder, "pbf", name=str(path))
            source.bounds = bounds_in_header(path, folder, file_format)
            source.read(keys, _AreasOf(rows))
    except NotTakenError as reason:
        log.info("%s is read object by object: %s", path, reason)
        return None
    return source


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
