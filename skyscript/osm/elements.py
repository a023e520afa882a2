"""Reads OSM objects that libosmium cannot: answers of Overpass, and XML with bad coordinates.

An answer of Overpass with `out geom` gives the places of nodes on ways, and on the members of
relations whose ways it does not hold. The objects are written to a file that libosmium reads, with
a node for each such place, so relations are assembled by the same code as in any other file.

An object whose id can be read gets a row of the table, with a reason if one of its values is bad: a
coordinate that is no number, or lies off the globe, is no place. A file in which an id cannot be
read is refused. All objects of the file are in memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.etree import ElementTree

from pipeline.errors import InputError

if TYPE_CHECKING:
    import osmium

TYPES = ("node", "way", "relation")
"""In the order of a sorted file."""

Element = dict[str, Any]
"""An object as Overpass writes it in JSON."""
Key = tuple[str, int]
"""The letter of an object's type, and its id."""
Place = tuple[float, float]
"""Longitude and latitude."""

GAVE_UP = "{}: Overpass gave up ({}): ask for less"

UP_TO = 500_000_000
"""The largest file in bytes that is read here: its objects take about ten times as much memory."""

_WRONG = (ValueError, KeyError, TypeError, AttributeError, RecursionError, ElementTree.ParseError)


def copy_json(path: Path, copy: Path) -> None:
    """Copy an answer of Overpass in JSON; raises `InputError` if it is something else or cut."""
    _check_size(path)
    try:
        elements = elements_of(json.loads(path.read_bytes()), path)
        _write(elements, copy)
    except _WRONG as error:
        raise InputError(
            f"{path} is JSON, but no whole answer of Overpass ({type(error).__name__}: "
            f"{error}): ask with [out:json] and `out geom`, or use an .osm.pbf"
        ) from error


def elements_of(answer: dict[str, Any], where: object) -> list[Element]:
    """Give the objects of an answer in JSON; raises `InputError` if Overpass says that it gave up.

    Raises `KeyError`, `TypeError` or `AttributeError` if it is no answer of Overpass.
    """
    if "error" in answer.get("remark", ""):
        raise InputError(GAVE_UP.format(where, answer["remark"]))
    elements: list[Element] = answer["elements"]
    return elements


def copy_xml(file: BinaryIO, path: Path, copy: Path) -> None:
    """Copy XML from an open file; raises `InputError` that names ``path`` if it cannot be read."""
    _check_size(path)
    try:
        _write(list(_elements_of_xml(file)), copy)
    except _WRONG as error:
        raise InputError(
            f"{path} holds what no OSM file may hold ({error}): correct it, or fetch it again"
        ) from error


def _check_size(path: Path) -> None:
    if (size := path.stat().st_size) > UP_TO:
        raise InputError(
            f"{path}: JSON, and XML with bad coordinates or with places in relations, are read up "
            f"to {UP_TO / 1e6:,.0f} MB, and this file has {size / 1e6:,.0f} MB: use an .osm.pbf"
        )


def _elements_of_xml(file: BinaryIO) -> Iterator[Element]:
    """Give the objects of a file as Overpass writes them in JSON; what is deleted is left out."""
    events = ElementTree.iterparse(file, events=("start", "end"))
    _, root = next(events)
    for event, item in events:
        if event == "start" or item.tag not in TYPES:
            continue
        if item.get("action") != "delete" and item.get("visible") != "false":
            yield _element(item)
        root.clear()


def _element(item: ElementTree.Element) -> Element:
    points = item.findall("nd")
    found: Element = {
        "type": item.tag,
        "id": int(item.attrib["id"]),
        "tags": {tag.attrib["k"]: tag.attrib["v"] for tag in item.findall("tag")},
        "nodes": [int(point.attrib["ref"]) for point in points],
        "geometry": [dict(point.attrib) for point in points],
        "members": [
            {
                "type": member.attrib["type"],
                "ref": int(member.attrib["ref"]),
                "role": member.get("role", ""),
                **({"geometry": [dict(point.attrib) for point in nodes]} if nodes else {}),
            }
            for member in item.findall("member")
            for nodes in [member.findall("nd")]
        ],
    }
    for name in ("lat", "lon", "timestamp"):
        if value := item.get(name):
            found[name] = value
    if version := item.get("version"):
        found["version"] = int(version)
    return found


def _place(point: object) -> Place | None:
    """Give the place of a point; None if it has none, or one that is not on the globe."""
    if not isinstance(point, dict):
        return None
    try:
        lon, lat = float(point["lon"]), float(point["lat"])
    except (KeyError, TypeError, ValueError):
        return None
    on_globe = math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
    return (lon, lat) if on_globe else None


def _write(elements: Iterable[Element], copy: Path) -> None:
    import osmium

    everything = list(elements)
    known = {(element["type"][0], element["id"]) for element in everything}
    everything += list(_member_ways(everything, known))
    everything += _nodes_of_ways(everything, known)
    everything.sort(key=lambda each: (TYPES.index(each["type"]), each["id"] > 0, abs(each["id"])))
    with osmium.SimpleWriter(str(copy), overwrite=True) as writer:
        for element in everything:
            _add(element, writer)


def _add(element: Element, writer: osmium.SimpleWriter) -> None:
    from osmium.osm import mutable

    common: dict[str, Any] = {
        name: element[name] for name in ("id", "version", "timestamp") if name in element
    }
    common["tags"] = element.get("tags", {})
    match element["type"]:
        case "node":
            writer.add_node(mutable.Node(location=_place(element), **common))
        case "way":
            writer.add_way(mutable.Way(nodes=element.get("nodes", []), **common))
        case _:
            members = [
                (member["type"][0], member["ref"], member["role"])
                for member in element.get("members", [])
            ]
            writer.add_relation(mutable.Relation(members=members, **common))


def _places_of_ways(elements: Iterable[Element]) -> Iterator[tuple[int, Place]]:
    for element in elements:
        for ref, point in zip(element.get("nodes", []), element.get("geometry", []), strict=False):
            if place := _place(point):
                yield ref, place


def _nodes_of_ways(elements: Iterable[Element], known: set[Key]) -> list[Element]:
    """Give a node for each place that only ways have."""
    places = {ref: at for ref, at in _places_of_ways(elements) if ("n", ref) not in known}
    return [
        {"type": "node", "id": ref, "lon": lon, "lat": lat} for ref, (lon, lat) in places.items()
    ]


def _member_ways(elements: list[Element], known: set[Key]) -> Iterator[Element]:
    """Give the ways that only the members of relations describe.

    Their nodes get the ids of nodes in the same places, else ids that the file does not use.
    """
    refs = [ref for element in elements for ref in element.get("nodes", [])]
    free = max([0, *refs, *(ref for letter, ref in known if letter == "n")]) + 1
    ids: dict[Place | None, int] = {at: ref for ref, at in _places_of_ways(elements)}
    for element in elements:
        if element["type"] == "node" and (at := _place(element)):
            ids.setdefault(at, element["id"])
    done = set(known)
    for element in elements:
        for member in element.get("members", []):
            if member["type"] != "way" or "geometry" not in member or ("w", member["ref"]) in done:
                continue
            done.add(("w", member["ref"]))
            nodes = []
            for place in map(_place, member["geometry"]):
                if place not in ids:
                    ids[place], free = free, free + 1
                nodes.append(ids[place])
            yield {
                "type": "way",
                "id": member["ref"],
                "nodes": nodes,
                "geometry": member["geometry"],
            }
