"""Rewrites OSM files that libosmium would misread, as copies that it reads correctly.

Five kinds need a copy: XML with objects that an editor marked as deleted, XML and OPL whose ways
carry the places of their nodes, XML whose relations carry them, XML with bad coordinates, and
Overpass JSON. The copy has a node for each place.
"""

from __future__ import annotations

import bz2
import gzip
import re
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast
from xml.parsers import expat

from pipeline.errors import InputError
from skyscript.osm.elements import GAVE_UP, TYPES, Key, Place, copy_json, copy_xml

_CHUNK = 1 << 20
_LONGEST_TAG = 1 << 10
"""Bytes that two pieces of XML share, so that a mark across their border is found."""
_DELETED = re.compile(rb"""\b(?:action\s*=\s*["']delete|visible\s*=\s*["']false)["']""")
_PLACE_IN_XML = re.compile(rb"<nd\s[^>]*\blat\s*=")
_PLACE_IN_MEMBER = re.compile(rb"<member\s[^>]*[^/>]>\s*<nd\s[^>]*\blat\s*=")
_GAVE_UP = re.compile(rb"<remark>\s*(runtime error[^<]*)")
_PLACE_IN_OPL = re.compile(rb"w[^\n]* N[^ \n]*x")

COPY = "copy.osm.pbf"


class _Marks(NamedTuple):
    """What in a file needs a copy."""

    deleted: frozenset[Key]
    ways_have_places: bool = False
    members_have_places: bool = False


def copy_if_needed(path: Path, file_format: str, folder: Path) -> Path:
    """Give a copy in ``folder`` where libosmium would misread the file, else the path itself."""
    copy = folder / COPY
    if "json" in file_format or _is_json(path):
        copy_json(path, copy)
        return copy
    marks = _marks(path, file_format)
    if marks.members_have_places:
        return copy_as_elements(path, file_format, folder)
    if not (marks.deleted or marks.ways_have_places):
        return path
    copy_with_nodes(path, file_format, copy, marks.deleted)
    return copy


def copy_as_elements(path: Path, file_format: str, folder: Path) -> Path:
    """Give a copy of an XML file in which a bad coordinate is a missing one."""
    with _open(path, file_format) as file:
        copy_xml(file, path, folder / COPY)
    return folder / COPY


def copy_with_nodes(
    path: Path, file_format: str, copy: Path, deleted: frozenset[Key] = frozenset()
) -> None:
    """Copy a node for each place that only a way has, then all objects but the deleted ones."""
    import osmium
    from osmium.osm import mutable

    source = osmium.io.File(str(path), file_format)
    nodes: set[int] = set()
    places: dict[int, Place] = {}
    for thing in osmium.FileProcessor(source):
        if isinstance(thing, osmium.osm.Node):
            nodes.add(thing.id)
        elif isinstance(thing, osmium.osm.Way) and ("w", thing.id) not in deleted:
            for node in thing.nodes:
                if node.location.valid():
                    places.setdefault(node.ref, (node.lon, node.lat))
    with osmium.SimpleWriter(str(copy), overwrite=True) as writer:
        for ref in sorted(places.keys() - nodes):
            writer.add_node(mutable.Node(id=ref, location=places[ref]))
        for thing in osmium.FileProcessor(source):
            if (thing.type_str(), thing.id) not in deleted:
                writer.add(thing)


def _marks(path: Path, file_format: str) -> _Marks:
    """Find what in a file needs a copy.

    A file that cannot be read to its end has no marks: libosmium then says what is wrong with it.
    """
    try:
        if "opl" in file_format:
            with _open(path, file_format) as file:
                return _Marks(frozenset(), any(_PLACE_IN_OPL.match(line) for line in file))
        if "pbf" in file_format or "o5m" in file_format:
            return _Marks(frozenset())
        with _open(path, file_format) as file:
            has_deleted, *places = _marks_in_xml(file, path)
        if not has_deleted:
            return _Marks(frozenset(), *places)
        with _open(path, file_format) as file:
            return _Marks(_deleted(file), *places)
    except (OSError, EOFError, zlib.error, expat.ExpatError):
        return _Marks(frozenset())


def _marks_in_xml(file: BinaryIO, path: Path) -> tuple[bool, bool, bool]:
    has_deleted = has_places = has_members = False
    text = b""
    while chunk := file.read(_CHUNK):
        text = text[-_LONGEST_TAG:] + chunk
        if gave_up := _GAVE_UP.search(text):
            raise InputError(GAVE_UP.format(path, gave_up[1].decode(errors="replace").strip()))
        has_deleted = has_deleted or bool(_DELETED.search(text))
        has_places = has_places or bool(_PLACE_IN_XML.search(text))
        has_members = has_members or (has_places and bool(_PLACE_IN_MEMBER.search(text)))
    return has_deleted, has_places, has_members


def _deleted(file: BinaryIO) -> frozenset[Key]:
    found: set[Key] = set()

    def start(name: str, attributes: dict[str, str]) -> None:
        marks = (attributes.get("action"), attributes.get("visible"))
        if name in TYPES and ("delete" in marks or "false" in marks) and "id" in attributes:
            found.add((name[0], int(attributes["id"])))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.ParseFile(file)
    return frozenset(found)


def _open(path: Path, file_format: str) -> BinaryIO:
    if file_format.endswith("gz"):
        return cast("BinaryIO", gzip.open(path))
    if file_format.endswith("bz2"):
        return cast("BinaryIO", bz2.open(path))
    return path.open("rb")


def _is_json(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"{")
