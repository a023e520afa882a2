"""The subject of a tile: what the tile must show, and where it may be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from skyscript.geo.antimeridian import are_cuts
from skyscript.geo.bbox import OUTSIDE, Sides, within_bbox
from skyscript.geo.tile import (
    ANTIMERIDIAN,
    MAX_LATITUDE,
    TOO_POLAR,
    Box,
    Points,
    mercator_box,
    to_degrees,
)
from skyscript.osm.underground import UNDERGROUND, hidden_from_above
from skyscript.vocabulary import NOTHING_SEEN
from tag_vocab import Vocabulary
from tag_vocab.sizes import View

AREAS = ("a", "r")


class Skip(Exception):
    """The object gets no tile; the message is the reason."""


class Subject(NamedTuple):
    """What a tile is made for: a position and, for an area, the extent around it."""

    object_id: str
    places: Points
    """Longitude and latitude: the nodes of a line, or the one place of a point or an area."""
    extent: tuple[float, float] | None
    """EPSG:3857 metres; None for a point or a line, of which a tile may show a part."""
    max_gsd: float
    views: tuple[tuple[float, View], ...] = ()
    """For a point or a line, the maximum GSD and the extents of view of each visible thing."""

    def side_in_view(self, drawn: int, gsd: float, sides: tuple[int, int]) -> int | None:
        """Give the side in pixels, nearest to the drawn one, that shows enough of a visible thing.

        None if no side between the two of ``sides`` does.
        """
        fit = []
        for max_gsd, view in self.views:
            least = max(sides[0], math.ceil(view.least / gsd))
            most = int(min(sides[1], view.most / gsd))
            if gsd <= max_gsd and least <= most:
                fit.append(min(max(drawn, least), most))
        return min(fit, key=lambda side: abs(side - drawn), default=None)

    def within(self, bbox: Sides | None) -> Subject:
        """Give the same subject with those nodes of a line that lie in the box of the run.

        Raises `Skip` if none does. An area has one place, which `eligible` has looked at.
        """
        if bbox is None or self.extent is not None:
            return self
        places = self.places[within_bbox(self.places, bbox)]
        if not len(places):
            raise Skip(OUTSIDE)
        return self._replace(places=places)


def subject_of(row: Mapping[str, Any], nodes: Points, is_cut: bool, words: Vocabulary) -> Subject:
    """Give what a tile is made for; raises `Skip` if no tile can show the object.

    ``nodes`` are those of a line, or the one of a point; ``is_cut`` says that the object lies on
    both sides of 180 degrees.
    """
    object_id, tags = row["object_id"], dict(row["tags"])
    if hidden_from_above(tags):
        raise Skip(UNDERGROUND)
    views = tuple(words.views(tags))
    if not views:
        raise Skip(NOTHING_SEEN)
    max_gsd = max(gsd for gsd, _ in views)
    box = Box.of(row)
    if max(-box.south, box.north) > MAX_LATITUDE:
        raise Skip(TOO_POLAR)
    if row["kind"] in AREAS:
        if is_cut:
            raise Skip(ANTIMERIDIAN)
        west, south, east, north = mercator_box(box)
        centre = to_degrees((west + east) / 2, (south + north) / 2)
        return Subject(object_id, np.array([centre]), (east - west, north - south), max_gsd)
    if is_cut:  # at 180 degrees, where it has no nodes
        nodes = nodes[~are_cuts(nodes[:, 0])]
    if len(nodes) > 1 and (nodes[0] == nodes[-1]).all():
        nodes = nodes[:-1]
    return Subject(object_id, nodes, None, max_gsd, views)
