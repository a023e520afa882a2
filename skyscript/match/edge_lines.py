"""The edges of the objects near a shard's tiles, as straight pieces in EPSG:3857 metres."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from skyscript.geo.tile import Box, project
from skyscript.match.edges import edge_width
from skyscript.osm.tags import tags_of
from tag_vocab import Vocabulary

Floats = npt.NDArray[np.float64]


class Pieces(NamedTuple):
    """Straight pieces of edges, in the units of their user: EPSG:3857 metres or pixels."""

    ends: Floats
    """A row each: x and y of both ends."""
    width: Floats
    """The width of the line that a piece belongs to, in metres; 0 if the line itself is an edge."""

    @classmethod
    def none(cls) -> Pieces:
        """Give no pieces."""
        return cls(np.empty((0, 4)), np.empty(0))


class EdgeLines:
    """A spatial index of the objects with visible edges."""

    def __init__(self, objects: pa.Table, words: Vocabulary) -> None:
        """Index objects of the table ``objects`` by the edges that the vocabulary lets be seen."""
        kinds, tags = objects["kind"].to_pylist(), tags_of(objects["tags"])
        widths = [edge_width(k, dict(t), words) for k, t in zip(kinds, tags, strict=True)]
        rows = [row for row, width in enumerate(widths) if width is not None]
        chosen = objects.take(pa.array(rows, pa.int64()))
        geometries = shapely.from_wkb(chosen["geometry"].to_pylist())
        is_area = shapely.get_dimensions(geometries) == 2
        lines = np.where(is_area, shapely.boundary(geometries), geometries)
        lines = shapely.transform(lines, project)
        self._tree = shapely.STRtree(lines)
        self._ends, of = _straight_pieces(lines)
        self._width = np.array([widths[row] for row in rows], np.float64)
        self._first = np.searchsorted(of, np.arange(len(rows) + 1))

    def near(self, box: Box) -> Pieces:
        """Give all pieces of the objects that come near a box of EPSG:3857 metres."""
        found = np.sort(self._tree.query(shapely.box(*box)))
        if not len(found):
            return Pieces.none()
        runs = [slice(self._first[at], self._first[at + 1]) for at in found]
        counts = self._first[found + 1] - self._first[found]
        ends = np.concatenate([self._ends[run] for run in runs])
        return Pieces(ends, np.repeat(self._width[found], counts))


def _straight_pieces(lines: npt.NDArray[np.object_]) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Cut lines at their nodes; give the pieces and the number of each piece's line."""
    parts, of_part = shapely.get_parts(lines, return_index=True)
    nodes, part = shapely.get_coordinates(parts, return_index=True)
    together = part[1:] == part[:-1]
    return np.hstack([nodes[:-1], nodes[1:]])[together], of_part[part[1:]][together]
