"""Which images of a place to keep: each object is covered first, then the clearest are kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from skyscript.geo.tile import Box

REACH = 256
"""Pixels from an object to the edge of a tile of 512 pixels around it. More, for a shifted tile,
would not fit into the 10 km that the images of Sentinel-2 have in common."""
_DEGREE = 111_320.0
"""Metres on the ground at the equator."""


class Cover(NamedTuple):
    """The images that are kept."""

    kept: list[int]
    """By their numbers, in order."""
    lacking: list[int]
    """The cells, by number, of which fewer images than wanted show the tiles of all objects."""


def choose(
    outlines: Sequence[shapely.Geometry], cells: Sequence[Box], count: int, gsd: float
) -> Cover:
    """Keep, of each cell, the first images that show the tiles of all its objects.

    ``outlines`` are those of the images, the clearest first; ``cells`` are boxes around the centres
    of objects; ``gsd`` is in metres. Where fewer than ``count`` show the tiles, images follow that
    show the objects, and last those that show some of them: at the edge of an orbit the clearest
    image of a place may show only a part of it.
    """
    if not len(outlines):
        return Cover([], list(range(len(cells))))
    images = np.array(outlines, dtype=object)
    shapely.prepare(images)
    bare = shapely.box(*np.array(cells).T)
    wide = shapely.box(*np.array([_widened(cell, REACH * gsd) for cell in cells]).T)
    whole = shapely.covers(images[:, None], wide[None, :])
    rank = whole.astype(int) + shapely.covers(images[:, None], bare[None, :])
    rank += shapely.intersects(images[:, None], bare[None, :])
    kept = {number for cell in rank.T for number in _first(cell, count)}
    return Cover(sorted(kept), np.flatnonzero(whole.sum(axis=0) < count).tolist())


def _first(rank: npt.NDArray[np.int64], count: int) -> list[int]:
    """Give the first images of the highest ranks; those of rank 0 do not show the cell."""
    order = np.argsort(-rank, kind="stable")[:count]
    return [int(number) for number in order if rank[number] > 0]


def _widened(cell: Box, metres: float) -> Box:
    lat = min(max(abs(cell.south), abs(cell.north)), 85.0)
    up = metres / _DEGREE
    along = up / math.cos(math.radians(lat))
    return Box(cell.west - along, cell.south - up, cell.east + along, cell.north + up)
