"""The drawing surface: fills, lines, repeated motifs, relief and shadows in ground metres.

It has twice the resolution of the tile and is downsampled at the end. So edges are smooth, widths
are exact to half a pixel, and things smaller than a pixel fade.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import shapely

from skyscript.backends.simulated.features import Frame, Points
from skyscript.backends.simulated.noise import Grid
from skyscript.backends.simulated.season import Light
from skyscript.backends.simulated.tables import Paint, mix
from skyscript.geo.tile import Tile, mercator_box

FINER = 2
"""Canvas pixels for each tile pixel, in both directions."""
_SHIFT = 3
"""Fractional bits of OpenCV's fixed-point coordinates."""
_FAINTEST = 0.15
"""A line narrower than this many canvas pixels is not drawn."""

Array = npt.NDArray[np.floating[Any]]


class Patch(NamedTuple):
    """The pixels inside rings, with the corner of their window."""

    mask: npt.NDArray[np.bool_]
    left: int
    top: int

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of the canvas."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def place(self, frame: Frame) -> tuple[Array, Array]:
        """Give how far along and across a frame each pixel is, in pixels from its centre."""
        height, width = self.mask.shape
        x = np.arange(width) + (self.left + 0.5 - frame.x)
        y = np.arange(height)[:, None] + (self.top + 0.5 - frame.y)
        cos, sin = math.cos(frame.angle), math.sin(frame.angle)
        return x * cos + y * sin, y * cos - x * sin


class Pieces:
    """Straight pieces of lines, each with a value."""

    def __init__(self, lines: Sequence[tuple[Points, float]]) -> None:
        ends = [np.stack((line[:-1], line[1:]), axis=1) for line, _ in lines]
        self.ends = np.concatenate([np.empty((0, 2, 2)), *ends])
        """Start and end of each piece."""
        self.values = [value for line, value in lines for _ in line[1:]]
        self._tree = shapely.STRtree(np.asarray(shapely.linestrings(self.ends)))

    def nearest(self, place: Points, reach: float = math.inf) -> int | None:
        """Give the number of the piece nearest to a place, if one is within reach."""
        found = self._tree.query_nearest(shapely.points(place), reach, all_matches=False)
        return int(found[0]) if len(found) else None


def _fixed(points: Points) -> npt.NDArray[np.int32]:
    """Give points as OpenCV's fixed-point numbers, in which pixel centres are whole numbers."""
    return np.rint(points * (1 << _SHIFT) - (1 << (_SHIFT - 1))).astype(np.int32)


class Canvas:
    """Colours, materials and shadows of a tile while it is drawn."""

    def __init__(self, tile: Tile, light: Light) -> None:
        box = mercator_box(tile.box)
        self.width, self.height = tile.width * FINER, tile.height * FINER
        pixel = (box.east - box.west) / self.width
        self.window = Grid(box.west, box.north, pixel, self.width, self.height)
        self.grid = Grid(box.west, box.north, pixel * FINER, tile.width, tile.height)
        """The tile's own pixels, on which textures are sampled."""
        self.light = light
        middle = (tile.box.south + tile.box.north) / 2
        self.metre = 1 / (pixel * math.cos(math.radians(middle)))
        """Canvas pixels for each metre on the ground."""
        self.image = np.empty((self.height, self.width, 4), np.uint8)
        """Red, green, blue, material."""
        self.roads = Pieces([])
        """The carriageways, with their widths in metres."""
        self.shade = np.zeros((self.height, self.width), np.uint8)
        """Not 0 in the shadows on the ground."""

    @property
    def whole(self) -> npt.NDArray[np.uint32]:
        """The image with each pixel as one number, to copy it at once."""
        return self.image.view(np.uint32)[:, :, 0]

    def fill(self, rings: Sequence[Points], paint: Paint) -> None:
        """Fill rings by the even-odd rule, so inner rings stay unchanged."""
        cv2.fillPoly(self.image, [_fixed(ring) for ring in rings], paint, cv2.LINE_8, _SHIFT)

    def line(self, points: Points, metres: float, paint: Paint) -> None:
        """Draw a line with a width in metres on the ground; a line thinner than a pixel fades."""
        thickness = metres * self.metre
        lower = np.minimum(points[:-1], points[1:])
        upper = np.maximum(points[:-1], points[1:])
        high = np.array((self.width, self.height)) + thickness
        near = np.flatnonzero(((upper > -thickness) & (lower < high)).all(axis=1))
        if thickness < _FAINTEST or not len(near):
            return
        run = points[near[0] : near[-1] + 2]
        if thickness < 1:
            x, y = np.clip(run[len(run) // 2], 0, high - thickness - 1).astype(int).tolist()
            under = self.image[y, x].tolist()
            paint = (*mix(under[:3], paint[:3], thickness), under[3])
        wide = max(1, round(thickness))
        cv2.polylines(self.image, [_fixed(run)], False, paint, wide, cv2.LINE_8, _SHIFT)

    def blend(self, patch: Patch, cover: Array, ground: Paint, mark: Paint) -> None:
        """Paint a patch with a mark that covers a share of each pixel; below 0 it is darker."""
        share = np.arange(-100, 101)[:, None] / 100
        table = np.array(ground) * (1 + np.minimum(share, 0)) * (1 - np.maximum(share, 0))
        table += np.array(mark) * np.maximum(share, 0)
        table[:, 3:] = np.where(share > 0.5, mark[3], ground[3])
        paints = np.rint(table).astype(np.uint8).view(np.uint32)[:, 0]
        index = np.rint(cover * 100 + 100).astype(np.uint8)
        np.copyto(self.whole[patch.window], paints[index], where=patch.mask)

    def lit(self, patch: Patch, factor: Array) -> None:
        """Brighten or darken each pixel of a patch."""
        window = self.image[patch.window][:, :, :3]
        bright = np.clip(np.rint(window * factor[:, :, None]), 0, 255).astype(np.uint8)
        np.copyto(window, bright, where=patch.mask[:, :, None])

    def patch(self, rings: Sequence[Points]) -> Patch | None:
        """Give the pixels inside rings; None if there are none."""
        every = np.concatenate(rings)
        size = (self.width, self.height)
        left, top = np.floor(np.maximum(every.min(axis=0), 0)).astype(int).tolist()
        right, bottom = np.ceil(np.minimum(every.max(axis=0) + 1, size)).astype(int).tolist()
        if right <= left or bottom <= top:
            return None
        mask = np.zeros((bottom - top, right - left), np.uint8)
        cv2.fillPoly(mask, [_fixed(ring - (left, top)) for ring in rings], 1, cv2.LINE_8, _SHIFT)
        return Patch(mask.view(np.bool_), left, top)

    def cast_block(self, rings: Sequence[Points], height: float) -> None:
        """Draw the shadow of a block above rings (even-odd), with a height in metres."""
        moved = [_fixed(ring + self.thrown(height)) for ring in rings]
        if len(rings) == 1 and cv2.isContourConvex(moved[0]):
            hull = cv2.convexHull(np.concatenate((_fixed(rings[0]), moved[0])))
            cv2.fillConvexPoly(self.shade, hull, 1, cv2.LINE_8, _SHIFT)
            return
        self.cast_walls(rings, height)
        cv2.fillPoly(self.shade, moved, 1, cv2.LINE_8, _SHIFT)

    def cast_walls(self, lines: Sequence[Points], height: float) -> None:
        """Draw the shadow of thin walls along lines, with a height in metres."""
        for line in lines:
            foot, top = _fixed(line), _fixed(line + self.thrown(height))
            for wall in np.stack((foot[:-1], foot[1:], top[1:], top[:-1]), axis=1):
                cv2.fillConvexPoly(self.shade, wall, 1, cv2.LINE_8, _SHIFT)

    def thrown(self, height: float) -> Points:
        """Give the offset in pixels of the shadow of a point ``height`` metres above the ground."""
        return np.array(self.light.away) * (height * self.light.stretch * self.metre)

    def stations(
        self, points: Points, metres: float, start: float
    ) -> Iterator[tuple[int, Points, float]]:
        """Give places along a line, at a distance of ``metres``; only those near the tile.

        Each is its number from the line's start, the place, and the line's direction in radians.
        """
        steps = np.hypot(*np.diff(points, axis=0).T)
        along, gap = np.concatenate(([0.0], np.cumsum(steps))), metres * self.metre
        at = np.arange(start * self.metre, along[-1], gap) if gap >= 1 else np.empty(0)
        place = np.stack([np.interp(at, along, points[:, axis]) for axis in (0, 1)], axis=1)
        margin = 20 * self.metre
        inside = (place > -margin) & (place < np.array((self.width, self.height)) + margin)
        near = np.flatnonzero(inside.all(axis=1))
        segment = np.clip(np.searchsorted(along, at[near], side="right") - 1, 0, len(steps) - 1)
        way = np.diff(points, axis=0)[segment]
        turn = np.arctan2(way[:, 1], way[:, 0]).tolist()
        return zip(near.tolist(), place[near], turn, strict=True)
