"""Reads a PBF file by blocks where that is possible and pays."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Collection
from pathlib import Path

from skyscript.osm.file import OsmFile, check_file
from stages.extract.config import ExtractConfig

log = logging.getLogger(__name__)

FROM_SIZE = int(os.environ.get("FS", "0"))
"""Bytes of a file from which on the time to load the compiled decoder is won back."""
LIBRARIES = ("numba", "isal")


def read_columns(config: ExtractConfig, keys: Collection[str], folder: Path) -> OsmFile | None:
    """Read a PBF file by blocks into the scratch files of `Rows`.

    Gives a file of its area relations, which tells why some are no areas; None if libosmium must
    read the file, because it is of another format, small, or not as the block decoder wants it.
    """
    if "pbf" not in check_file(config.path, config.format):
        return None
    if config.path.stat().st_size < FROM_SIZE or not all(map(importlib.util.find_spec, LIBRARIES)):
        return None
    from skyscript.osm.blocks.errors import NotTakenError
    from skyscript.osm.blocks.reader import read_blocks
    from stages.extract.columns import ColumnRows

    try:
        with ColumnRows(folder, keys) as rows:
            source = OsmFile(read_blocks(config.path, keys, rows, folder), folder)
            source.read(keys, AreasOnly(rows))
    except NotTakenError as reason:
        log.info("%s is read by libosmium, object by object: %s", config.path, reason)
        return None
    return source


class AreasOnly:
    """Passes on areas, and nothing else, to another sink."""

    def __init__(self, rows) -> None:
        self.area = rows.area

    def node(self, _: object) -> None: ...
    def way(self, _: object) -> None: ...
    def relation(self, _: object) -> None: ...
