"""Rewrites OSM files that libosmium would misread, as copies that it reads correctly.

Three kinds need a copy: XML with objects that an editor marked as deleted, XML and OPL whose ways
carry the places of their nodes, and Overpass JSON. The copy has a node for each place.
"""

from __future__ import annotations

import bz2
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from xml.parsers import expat

from pipeline.errors import InputError

if TYPE_CHECKING:
    import osmium

_CHUNK = 1 << 20
_LONGEST_TAG = 1 << 10
"""Bytes that two pieces of XML share, so that a mark across their border is found."""
_DELETED = re.compile(rb"""\b(?:action\s*=\s*["']delete|visible\s*=\s*["']false)["']""")
_PLACE_IN_XML = re.compile(rb"<nd\s[^>]*\blat\s*=")
_PLACE_IN_OPL = re.compile(rb"w[^\n]* N[^ \n]*x")

TYPES = ("node", "way", "relation")
"""In the order of a sorted file."""

Key = tuple[str, int]
"""The letter of an object's type, and its id."""
Place = tuple[float, float]
"""Longitude and latitude."""


def copy_if_needed(path: Path, file_format: str, folder: Path) -> Path:
    """Give a copy in ``folder`` where libosmium would misread the file, else the path itself."""
    copy = folder / "copy.osm.pbf"
    if "json" in file_format or _is_json(path):
        _copy_overpass(path, copy)
        return copy
    deleted, has_places = _marks(path, file_format)
    if not (deleted or has_places):
        return path
    _copy(path, file_format, copy, deleted)
    return copy


def _copy(path: Path, file_format: str, copy: Path, deleted: set[Key]) -> None:
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


def _marks(path: Path, file_format: str) -> tuple[set[Key], bool]:
    """Give the objects marked as deleted, and whether ways carry places.

    A file that cannot be read to its end has no marks: libosmium then says what is wrong with it.
    """
    try:
        if "opl" in file_format:
            with _open(path, file_format) as file:
                return set(), any(_PLACE_IN_OPL.match(line) for line in file)
        if "pbf" in file_format or "o5m" in file_format:
            return set(), False
        with _open(path, file_format) as file:
            has_deleted, has_places = _marks_in_xml(file)
        if not has_deleted:
            return set(), has_places
        with _open(path, file_format) as file:
            return _deleted(file), has_places
    except (OSError, EOFError, zlib.error, expat.ExpatError):
        return set(), False


def _marks_in_xml(file: BinaryIO) -> tuple[bool, bool]:
    has_deleted = has_places = False
    text = b""
    while chunk := file.read(_CHUNK):
        text = text[-_LONGEST_TAG:] + chunk
        has_deleted = has_deleted or bool(_DELETED.search(text))
        has_places = has_places or bool(_PLACE_IN_XML.search(text))
    return has_deleted, has_places


def _deleted(file: BinaryIO) -> set[Key]:
    found: set[Key] = set()

    def start(name: str, attributes: dict[str, str]) -> None:
        marks = (attributes.get("action"), attributes.get("visible"))
        if name in TYPES and ("delete" in marks or "false" in marks) and "id" in attributes:
            found.add((name[0], int(attributes["id"])))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.ParseFile(file)
    return found


def _open(path: Path, file_format: str) -> BinaryIO:
    if file_format.endswith("gz"):
        return cast("BinaryIO", gzip.open(path))
    if file_format.endswith("bz2"):
        return cast("BinaryIO", bz2.open(path))
    return path.open("rb")


def _is_json(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"{")


def _copy_overpass(path: Path, copy: Path) -> None:
    """Copy an answer of Overpass; raises `InputError` if it is something else or incomplete."""
    import osmium

    with osmium.SimpleWriter(str(copy), overwrite=True) as writer:
        try:
            answer = json.loads(path.read_bytes())
            elements = answer["elements"]
            if "error" in answer.get("remark", ""):
                raise InputError(f"{path}: Overpass gave up ({answer['remark']}): ask for less")
            _write_elements(elements, writer)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(
                f"{path} is JSON, but no whole answer of Overpass ({type(error).__name__}: "
                f"{error}): ask with [out:json] and `out geom`, or use an .osm.pbf"
            ) from error


def _write_elements(elements: list[dict[str, Any]], writer: osmium.SimpleWriter) -> None:
    from osmium.osm import mutable

    known = {(element["type"][0], element["id"]) for element in elements}
    everything = [*elements, *_member_ways(elements, known)]
    everything += _nodes_of_ways(everything, known)
    for element in sorted(everything, key=lambda each: (TYPES.index(each["type"]), each["id"])):
        common: dict[str, Any] = {
            name: element[name] for name in ("id", "version", "timestamp") if name in element
        }
        common["tags"] = element.get("tags", {})
        match element["type"]:
            case "node":
                place = (element["lon"], element["lat"]) if "lon" in element else None
                writer.add_node(mutable.Node(location=place, **common))
            case "way":
                writer.add_way(mutable.Way(nodes=element.get("nodes", []), **common))
            case _:
                members = [
                    (member["type"][0], member["ref"], member["role"])
                    for member in element.get("members", [])
                ]
                writer.add_relation(mutable.Relation(members=members, **common))


def _nodes_of_ways(elements: list[dict[str, Any]], known: set[Key]) -> list[dict[str, Any]]:
    """Give a node for each place that only ways have."""
    places = {
        ref: place
        for element in elements
        for ref, place in zip(element.get("nodes", []), element.get("geometry", []), strict=False)
        if place and ("n", ref) not in known
    }
    return [{"type": "node", "id": ref, **place} for ref, place in places.items()]


def _member_ways(elements: list[dict[str, Any]], known: set[Key]) -> Iterator[dict[str, Any]]:
    """Give the ways that only the members of relations describe, with made-up ids of nodes."""
    refs = [ref for element in elements for ref in element.get("nodes", [])]
    free = max([0, *refs, *(ref for letter, ref in known if letter == "n")]) + 1
    ids: dict[Place | None, int] = {}
    done = set(known)
    for element in elements:
        for member in element.get("members", []):
            if member["type"] != "way" or "geometry" not in member or ("w", member["ref"]) in done:
                continue
            done.add(("w", member["ref"]))
            keys = [at and (at["lon"], at["lat"]) for at in member["geometry"]]
            nodes = [ids.setdefault(key, free + len(ids)) for key in keys]
            yield {
                "type": "way",
                "id": member["ref"],
                "nodes": nodes,
                "geometry": member["geometry"],
            }
