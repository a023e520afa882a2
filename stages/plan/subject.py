"""The subject of a tile, and the draws that decide where it lies in the tile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import shapely

from skyscript import chance
from skyscript.geo.tile import (
    ANTIMERIDIAN,
    HALF_GLOBE,
    MAX_LATITUDE,
    Box,
    mercator_box,
    to_degrees,
)
from skyscript.osm.underground import UNDERGROUND, hidden_from_above
from stages.plan.config import PlanConfig
from tag_vocab import Vocabulary

AREAS = ("a", "r")

NOTHING_SEEN = "no tag that can be seen from above"
TOO_POLAR = "beyond 85 degrees of latitude"


class Skip(Exception):
    """The object gets no tile; the message is the reason."""


class Subject(NamedTuple):
    """What a tile is made for: a position and, for an area, the extent around it."""

    object_id: str
    lon: float
    lat: float
    extent: tuple[float, float] | None
    """EPSG:3857 metres; None for a point or a line, of which a tile may show a part."""
    max_gsd: float


class Framing(NamedTuple):
    """The draws for an object, the same for every source."""

    side: int
    """Pixels; for points and lines."""
    shift: tuple[float, float]
    """East and north, in tile sides; (0, 0) is the centre."""


def framing_of(object_id: str, config: PlanConfig) -> Framing:
    """Draw the side and the shift of an object's tile."""
    smallest, largest = config.object_side
    side = int(chance.between(config.seed, object_id, "side", smallest, largest + 1))
    if chance.uniform(config.seed, object_id, "centred") < config.centred_share:
        return Framing(side, (0.0, 0.0))
    east, north = (
        chance.between(config.seed, object_id, f"shift {axis}", -config.shift, config.shift)
        for axis in ("east", "north")
    )
    return Framing(side, (east, north))


def subject_of(
    row: Mapping[str, Any], geometry: shapely.Geometry, words: Vocabulary, config: PlanConfig
) -> Subject:
    """Give what a tile is made for; raises `Skip` if no tile can show the object."""
    object_id, tags = row["object_id"], dict(row["tags"])
    if hidden_from_above(tags):
        raise Skip(UNDERGROUND)
    max_gsd = words.max_gsd(tags)
    if max_gsd is None:
        raise Skip(NOTHING_SEEN)
    box = Box.of(row)
    if max(-box.south, box.north) > MAX_LATITUDE:
        raise Skip(TOO_POLAR)
    if box.east - box.west > HALF_GLOBE:
        raise Skip(ANTIMERIDIAN)
    if row["kind"] in AREAS:
        west, south, east, north = mercator_box(box)
        lon, lat = to_degrees((west + east) / 2, (south + north) / 2)
        return Subject(object_id, lon, lat, (east - west, north - south), max_gsd)
    nodes = shapely.get_coordinates(geometry)
    if len(nodes) > 1 and (nodes[0] == nodes[-1]).all():
        nodes = nodes[:-1]
    lon, lat = nodes[int(chance.uniform(config.seed, object_id, "node") * len(nodes))]
    return Subject(object_id, float(lon), float(lat), None, max_gsd)
