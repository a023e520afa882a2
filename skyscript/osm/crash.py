"""Finds the object of an OSM file at which libosmium crashes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.child import ChildDiedError, Place, run_in_child

if TYPE_CHECKING:
    import osmium

_KINDS = {ord("n"): "node", ord("w"): "way", ord("r"): "relation"}


def where_it_crashes(path: Path, file_format: str) -> str | None:
    """Read a file in a child process; give the object at which it dies, as in ``node 12``.

    None: the file can be read, or cannot be opened at all.
    """
    try:
        run_in_child(touch_everything, path, file_format)
    except ChildDiedError as death:
        if death.signal is None:
            return None
        kind, osm_id = death.place
        return f"{_KINDS[kind]} {osm_id}" if kind else "its beginning"
    except Exception:
        return None  # an error that is no crash has its own sentence
    return None


def touch_everything(place: Place, path: Path, file_format: str) -> None:
    """Read all objects and their tags; ``place`` names the object that is read."""
    import osmium

    source = osmium.io.File(str(path), file_format)
    with osmium.io.Reader(source, osmium.osm.OBJECT) as reader:
        osmium.apply(reader, _Marker(place), osmium.filter.KeyFilter("no:such:key"))


class _Marker:
    """Notes each object before libosmium itself looks at the object's tags."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def node(self, node: osmium.osm.Node) -> None:
        self._note("n", node)

    def way(self, way: osmium.osm.Way) -> None:
        self._note("w", way)

    def relation(self, relation: osmium.osm.Relation) -> None:
        self._note("r", relation)

    def _note(
        self, kind: str, thing: osmium.osm.Node | osmium.osm.Way | osmium.osm.Relation
    ) -> None:
        self._place[0], self._place[1] = ord(kind), thing.id
