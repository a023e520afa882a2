"""Merges OSM files into one sorted file: an object of several files is there once.

Ways get their nodes, and relations their ways, from any of the files. The merge holds one object of
each file in memory.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputError
from skyscript.osm.copies import copy_with_nodes
from skyscript.osm.file import SORT_UP_TO, OsmFile, with_copies
from skyscript.osm.node_index import IndexChoice, require_space

if TYPE_CHECKING:
    import osmium

log = logging.getLogger(__name__)

_RANKS = {"n": 0, "w": 1, "r": 2}
_GROWTH = 3
"""The merged file is at most about this many times as large: it is compressed with lz4."""
_END = (3, True, 0)
"""Comes after the keys of all objects."""

_Key = tuple[int, bool, int]


def open_files(
    paths: Sequence[tuple[Path, str]], folder: Path, index: IndexChoice = "auto"
) -> OsmFile:
    """Open one OSM file, or several as one; ``paths`` are files with their formats.

    The newest version of an object counts; of equal versions the one with more nodes or members,
    then the one of the file that comes first in ``paths``. Raises `InputError`.
    """
    if len(paths) == 1:
        [(path, file_format)] = paths
        return OsmFile(path, folder, file_format, index)
    files = []
    for number, (path, file_format) in enumerate(paths):
        own = folder / f"input-{number}"
        own.mkdir()
        files.append(_with_nodes(OsmFile(path, own, file_format), own))
    require_space(folder, _GROWTH * sum(path.stat().st_size for path, _ in paths))
    log.info("merging %d OSM files", len(files))
    merged = folder / "merged.osm.pbf"
    with_copies(lambda: _merge(files, merged))
    name = " + ".join(str(path) for path, _ in paths)
    whole = OsmFile(merged, folder, "osm.pbf", index, name)
    if all(file.bounds for file in files):
        whole.bounds = [box for file in files for box in file.bounds]
    return whole


def _with_nodes(file: OsmFile, folder: Path) -> OsmFile:
    """Give a file whose nodes have their places, where only its ways have them."""
    if not file.ways_have_locations:
        return file
    if file.path.stat().st_size > SORT_UP_TO:
        raise InputError(
            f"{file.name} has the places of nodes on its ways, and is too large to be merged with "
            "other files: use the extract before `osmium add-locations-to-ways`"
        )
    copy = folder / "with-nodes.osm.pbf"
    copy_with_nodes(Path(file.source), "pbf", copy)
    return OsmFile(copy, folder, "osm.pbf", name=file.name)


class _Head:
    """The next object of a file."""

    def __init__(self, file: OsmFile) -> None:
        self._file, self._things = file, file.things()
        self.key: _Key = (-1, False, 0)
        self.advance()

    def advance(self) -> None:
        """Go to the next object; raise `NeedsCopyError` if it is not in order."""
        thing: Any = next(self._things, None)
        while thing is not None and thing.deleted:
            thing = next(self._things, None)
        if thing is None:
            self.key = _END
            return
        osm_id = thing.id
        key = (_RANKS[thing.type_str()], osm_id > 0, abs(osm_id))
        if key <= self.key:
            raise self._file.not_in_order()
        self.thing, self.key = thing, key

    def newness(self) -> tuple[int, float, int]:
        """Give a number for the object that is larger for a newer or a more complete one."""
        thing, rank = self.thing, self.key[0]
        if rank == 0:
            size = int(thing.location.valid())
        else:
            size = len(thing.nodes if rank == 1 else thing.members)
        return thing.version, thing.timestamp.timestamp(), size


def _merge(files: Sequence[OsmFile], target: Path) -> None:
    import osmium

    options = "pbf,pbf_compression=lz4"
    with osmium.SimpleWriter(osmium.io.File(str(target), options), overwrite=True) as writer:
        heads = [_Head(file) for file in files]
        while (key := min(head.key for head in heads)) != _END:
            same = [head for head in heads if head.key == key]
            writer.add((same[0] if len(same) == 1 else max(same, key=_Head.newness)).thing)
            others = min((head.key for head in heads if head.key != key), default=_END)
            for head in same:
                head.advance()
            if len(same) == 1:
                _write_until(others, same[0], writer)


def _write_until(end: _Key, head: _Head, writer: osmium.SimpleWriter) -> None:
    """Write the objects of a file that come before the next one of any other file."""
    while head.key < end:
        writer.add(head.thing)
        head.advance()
