"""Whether enough of an object is in a tile, by the kind and the size of what it shows.

- A point: the whole thing is in the tile, with half its size to each side.
- A line: in the tile without half its width at the edges, it is at least twice its width and
  `PIXELS` of an extent long.
- An area: it is as wide as the `PIXELS` of its kind, and its part in the tile is at least
  ``min_part`` of it, or as large as a square of its size. The width is the shorter side of the
  rectangle with the same area and perimeter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from stages.truth.config import TruthConfig
from tag_vocab.sizes import PIXELS, Size

Geometries = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Parts(NamedTuple):
    """Objects and tiles in pairs, in EPSG:3857 metres."""

    whole: Geometries
    clipped: Geometries
    """The object's part in the tile."""
    boxes: Numbers
    """The box of each tile."""
    pixel: Numbers
    scale: Numbers
    """EPSG:3857 metres for each metre on the ground."""

    def select(self, mask: Mask) -> Parts:
        """Give some of the pairs."""
        whole, clipped, boxes, pixel, scale = self
        return Parts(whole[mask], clipped[mask], boxes[mask], pixel[mask], scale[mask])


def shows_enough(parts: Parts, sizes: Sequence[Size], config: TruthConfig) -> Mask:
    """Tell for each pair whether enough of the object is in the tile."""
    metres = np.array([size.metres for size in sizes], dtype=np.float64) * parts.scale
    pixels = np.array([PIXELS[size.kind] for size in sizes], dtype=np.float64)
    periods = np.array([2 if size.kind == "texture" else 1 for size in sizes])
    is_line = np.array([size.kind == "line" for size in sizes], dtype=bool)
    dimensions = shapely.get_dimensions(parts.clipped)
    enough = np.zeros(len(sizes), dtype=bool)
    point, line, area = (dimensions == number for number in range(3))
    enough[point] = _points(parts.select(point), metres[point])
    width = np.where(is_line, metres, 0.0)
    enough[line] = _lines(parts.select(line), width[line])
    needed = (metres * periods)[area]
    enough[area] = _areas(parts.select(area), needed, pixels[area], config.min_part)
    return enough


def _points(parts: Parts, metres: Numbers) -> Mask:
    at = shapely.bounds(parts.clipped)
    inside = np.concatenate([at[:, :2] - parts.boxes[:, :2], parts.boxes[:, 2:] - at[:, 2:]], 1)
    return np.asarray(inside.min(axis=1, initial=np.inf) >= metres / 2, dtype=bool)


def _lines(parts: Parts, width: Numbers) -> Mask:
    inner = parts.boxes + np.outer(width / 2, [1, 1, -1, -1])
    within = np.zeros(len(width))
    some = np.flatnonzero((inner[:, :2] < inner[:, 2:]).all(axis=1))
    cut = [shapely.clip_by_rect(parts.clipped[number], *inner[number].tolist()) for number in some]
    within[some] = shapely.length(np.array(cut, dtype=object))
    least = np.maximum(2 * width, PIXELS["extent"] * parts.pixel)
    return np.asarray(within >= least, dtype=bool)


def _areas(parts: Parts, metres: Numbers, pixels: Numbers, min_part: float) -> Mask:
    area, around = shapely.area(parts.clipped), shapely.length(parts.clipped)
    root = np.sqrt(np.maximum(around**2 - 16 * area, 0.0))
    width = (around - root) / 4
    much = np.minimum(min_part * shapely.area(parts.whole), metres**2)
    return np.asarray((width >= pixels * parts.pixel) & (area >= much) & (area > 0), dtype=bool)
