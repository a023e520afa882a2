"""Assembles area relations across the antimeridian, which libosmium's assembler takes as flat.

Their ways are moved by half the globe, where the antimeridian is in the middle of the map, and
libosmium reads them from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely

from skyscript.geo.tile import HALF_GLOBE
from skyscript.osm.file import OsmFile

if TYPE_CHECKING:
    import osmium

Line = npt.NDArray[np.float64]
"""The points of a way, longitude and latitude."""
Members = Sequence[tuple[int, str]]
"""The ids and roles of the ways of a relation."""

_TAGS = {"type": "multipolygon", "area": "yes"}
"""The tags of every relation: libosmium makes no area of one that has only a type."""


def assembled_across(
    relations: Mapping[int, Members], lines: Mapping[int, Line], folder: Path
) -> dict[int, shapely.Geometry]:
    """Give the areas of relations by libosmium, with longitudes from 0 to 360.

    Those of which it makes none are left out. ``lines`` are the ways; ``folder`` is for a scratch
    file.
    """
    if not relations:
        return {}
    path = folder / "across.osm.pbf"
    _write(relations, lines, path)
    areas = _Areas()
    OsmFile(path, folder, "osm.pbf", "memory").read(_TAGS, areas)
    path.unlink()
    return {
        osm_id: shapely.transform(shapely.from_wkb(bytes.fromhex(wkb)), _moved_back)
        for osm_id, wkb in areas.found.items()
    }


def _moved(points: Line) -> list[tuple[float, float]]:
    lon, lat = points.T
    return list(zip((np.mod(lon, 2 * HALF_GLOBE) - HALF_GLOBE).tolist(), lat.tolist(), strict=True))


def _moved_back(points: Line) -> Line:
    moved: Line = points + np.array([HALF_GLOBE, 0.0])
    return moved.round(7)  # OSM's coordinates have seven decimals


def _write(relations: Mapping[int, Members], lines: Mapping[int, Line], path: Path) -> None:
    import osmium
    from osmium.osm import mutable

    used = sorted({way for ways in relations.values() for way, _ in ways if way in lines})
    moved = {way: _moved(lines[way]) for way in used}
    places = dict.fromkeys(place for points in moved.values() for place in points)
    ids = {place: number for number, place in enumerate(places, start=1)}
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for place, number in ids.items():
            writer.add_node(mutable.Node(id=number, location=place))
        for way in used:
            writer.add_way(mutable.Way(id=way, nodes=[ids[place] for place in moved[way]]))
        for relation, ways in sorted(relations.items()):
            members = [("w", way, role) for way, role in ways]
            writer.add_relation(mutable.Relation(id=relation, members=members, tags=_TAGS))


class _Areas:
    """Takes the areas of a file (a `Sink`)."""

    def __init__(self) -> None:
        import osmium

        self.found: dict[int, str] = {}
        self._wkb = osmium.geom.WKBFactory()

    def node(self, node: osmium.osm.Node) -> None:
        """Leave a node out."""

    def way(self, way: osmium.osm.Way) -> None:
        """Leave a way out."""

    def relation(self, relation: osmium.osm.Relation) -> None:
        """Leave a relation out."""

    def area(self, area: osmium.osm.Area) -> None:
        """Take an area that has a ring."""
        if area.num_rings()[0]:
            self.found[area.orig_id()] = self._wkb.create_multipolygon(area)
