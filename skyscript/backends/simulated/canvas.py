"""The drawing surface: fills, lines, repeated motifs, relief and shadows in ground metres.

It has twice the resolution of the tile and is downsampled at the end. So edges are smooth, widths
are exact to half a pixel, and things smaller than a pixel fade.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from skyscript.backends.simulated.features import Frame, Points
from skyscript.backends.simulated.motifs import Motif, averaged
from skyscript.backends.simulated.noise import Grid
from skyscript.backends.simulated.season import Light
from skyscript.backends.simulated.tables import Paint
from skyscript.geo.tile import Tile, mercator_box

FINER = 2
"""Canvas pixels for each tile pixel, in both directions."""
_SHIFT = 3
"""Fractional bits of OpenCV's fixed-point coordinates."""
_SMALL_BLOCK = 26.0
"""Size in pixels below which a block casts the shadow of its convex hull."""
_RIB = 90
"""The width of a rib, in 256ths of the period."""
_FAINTEST = 0.15
"""A line narrower than this many canvas pixels is not drawn."""

Mask = npt.NDArray[np.uint8]
Place = tuple[float, float]


class Stations(NamedTuple):
    """Places along a line."""

    number: npt.NDArray[np.int64]
    """The number from the line's start, equal in every tile."""
    place: Points
    way: Points
    """Unit vectors along the line."""


class Patch(NamedTuple):
    """The pixels inside rings, with the corner of their window."""

    mask: Mask
    left: int
    top: int


def _fixed(points: Points) -> npt.NDArray[np.int32]:
    """Give points as OpenCV's fixed-point numbers, in which pixel centres are whole numbers."""
    return np.rint(points * (1 << _SHIFT) - (1 << (_SHIFT - 1))).astype(np.int32)


def _phase(patch: Patch, frame: Frame, period: float) -> Mask:
    """Give the phase of each pixel of a patch in a period along the frame, in 256ths.

    The 8-bit sum of the phases of column and row wraps around.
    """
    x = np.arange(patch.mask.shape[1], dtype=np.float64) + (patch.left + 0.5 - frame.x)
    y = np.arange(patch.mask.shape[0], dtype=np.float64) + (patch.top + 0.5 - frame.y)
    columns = np.floor(x * (math.cos(frame.angle) / period) % 1.0 * 256)
    rows = np.floor(y * (math.sin(frame.angle) / period) % 1.0 * 256)
    return np.add(columns.astype(np.uint8), rows.astype(np.uint8)[:, None])


class Canvas:
    """Colours, materials and shadows of a tile while it is drawn."""

    def __init__(self, tile: Tile, light: Light) -> None:
        box = mercator_box(tile.box)
        self.width, self.height = tile.width * FINER, tile.height * FINER
        self.pixel = (box.east - box.west) / self.width
        self.window = Grid(box.west, box.north, self.pixel, self.width, self.height)
        self.grid = Grid(box.west, box.north, self.pixel * FINER, tile.width, tile.height)
        """The tile's own pixels, on which textures are sampled."""
        self.light = light
        middle = (tile.box.south + tile.box.north) / 2
        self.metre = 1 / (self.pixel * math.cos(math.radians(middle)))
        """Canvas pixels for each metre on the ground."""
        self.image = np.empty((self.height, self.width, 4), np.uint8)
        """Red, green, blue, material."""
        self.roads = np.empty((0, 5))
        """Pieces of road: start, way to the end (pixels), width (metres)."""
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
        if thickness < _FAINTEST or (run := self._near(points, thickness)) is None:
            return
        if thickness < 1:
            paint = self._faded(run, thickness, paint)
        wide = max(1, round(thickness))
        cv2.polylines(self.image, [_fixed(run)], False, paint, wide, cv2.LINE_8, _SHIFT)

    def dot(self, centre: Place, radius: float, paint: Paint) -> None:
        """Draw a disc with a radius in pixels; a small disc fades."""
        if radius < 0.5:
            paint = self._faded(np.array([centre]), min(1.0, radius * 2), paint)
        place, size = _fixed(np.array(centre)).tolist(), round(radius * (1 << _SHIFT))
        cv2.circle(self.image, place, size, paint, -1, cv2.LINE_8, _SHIFT)

    def motif(self, rings: Sequence[Points], frame: Frame, motif: Motif, metres: Place) -> None:
        """Fill rings with a motif that repeats along and across a frame, with periods in metres."""
        if (patch := self.patch(rings)) is None:
            return
        periods = metres[0] * self.metre, metres[1] * self.metre
        table, side = averaged(motif, periods)
        u, v = _phase(patch, frame, periods[0]), _phase(patch, frame.across(), periods[1])
        index = (v >> (8 - side)).astype(np.uint16) << side | u >> (8 - side)
        paints = np.ascontiguousarray(table).view(np.uint32)[:, 0]
        window = self.whole[self._slices(patch)]
        np.copyto(window, np.take(paints, index), where=patch.mask.view(np.bool_))

    def ribs(self, rings: Sequence[Points], frame: Frame, metres: float, depth: float) -> None:
        """Darken lines along a frame, ``metres`` apart, by a share of the brightness."""
        if (patch := self.patch(rings)) is None:
            return
        dark = _phase(patch, frame.across(), metres * self.metre) < _RIB
        window = self.image[self._slices(patch)]
        table = np.rint(np.arange(256) * (1 - depth)).astype(np.uint8)
        where = (dark & (patch.mask > 0))[:, :, None]
        np.copyto(window[:, :, :3], table[window[:, :, :3]], where=where)

    def relief(self, rings: Sequence[Points], frame: Frame, light: Mask) -> None:
        """Brighten or darken the inside of rings by a picture that spans the frame.

        A value of 100 in the picture changes nothing; 200 doubles the brightness.
        """
        if (patch := self.patch(rings)) is None:
            return
        rows, columns = light.shape
        cos, sin = math.cos(frame.angle), math.sin(frame.angle)
        u, v = columns / max(frame.length, 1e-6), rows / max(frame.width, 1e-6)
        x, y = patch.left + 0.5 - frame.x, patch.top + 0.5 - frame.y
        matrix = np.array(
            [
                [cos * u, sin * u, (x * cos + y * sin) * u + columns / 2 - 0.5],
                [-sin * v, cos * v, (y * cos - x * sin) * v + rows / 2 - 0.5],
            ]
        )
        height, width = patch.mask.shape
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        factor = cv2.warpAffine(
            light, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        window = self.image[self._slices(patch)]
        keep = np.full_like(factor, 100)
        lit = cv2.multiply(window, cv2.merge((factor, factor, factor, keep)), scale=0.01)
        whole = np.asarray(lit, np.uint8).view(np.uint32)[:, :, 0]
        np.copyto(window.view(np.uint32)[:, :, 0], whole, where=patch.mask.view(np.bool_))

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
        return Patch(mask, left, top)

    def cast(self, rings: Sequence[Points], height: float) -> None:
        """Draw the shadow of a block above rings (even-odd), with a height in metres."""
        offset = self.thrown(height)
        if np.abs(offset).max() < 0.5:
            return
        moved = [ring + offset for ring in rings]
        if len(rings) == 1 and np.ptp(rings[0], axis=0).max() < _SMALL_BLOCK:
            hull = cv2.convexHull(_fixed(np.concatenate((rings[0], moved[0]))))
            cv2.fillConvexPoly(self.shade, hull, 255, cv2.LINE_8, _SHIFT)
            return
        for ring, there in zip(rings, moved, strict=True):
            for wall in _fixed(np.stack((ring[:-1], ring[1:], there[1:], there[:-1]), axis=1)):
                cv2.fillConvexPoly(self.shade, wall, 255, cv2.LINE_8, _SHIFT)
        self.cast_lifted(moved)

    def cast_lifted(self, rings: Sequence[Points]) -> None:
        """Draw the shadow of a roof or a crown, inside rings."""
        cv2.fillPoly(self.shade, [_fixed(ring) for ring in rings], 255, cv2.LINE_8, _SHIFT)

    def cast_line(self, points: Points, metres: float) -> None:
        """Draw the shadow of a thin object with a width in metres."""
        thickness = metres * self.metre
        if thickness < 0.45 or (run := self._near(points, thickness)) is None:
            return
        value, wide = 255 if thickness >= 1 else 128, max(1, round(thickness))
        cv2.polylines(self.shade, [_fixed(run)], False, value, wide, cv2.LINE_8, _SHIFT)

    def thrown(self, height: float) -> Points:
        """Give the offset in pixels of the shadow of a point ``height`` metres above the ground."""
        reach = height * self.light.stretch * self.metre
        return np.array([self.light.away[0] * reach, self.light.away[1] * reach])

    def stations(self, points: Points, metres: float, offset: float = 0.5) -> Stations:
        """Give places at regular distances along a line, only those near the tile."""
        steps = np.hypot(*np.diff(points, axis=0).T)
        total, gap = float(steps.sum()), metres * self.metre
        if total < 1e-6 or gap < 1:
            return Stations(np.empty(0, np.int64), np.empty((0, 2)), np.empty((0, 2)))
        along = np.concatenate(([0.0], np.cumsum(steps)))
        at = np.arange(offset * gap, total, gap)
        place = np.stack([np.interp(at, along, points[:, axis]) for axis in (0, 1)], axis=1)
        near = self.inside(place, 20 * self.metre)
        segment = np.clip(np.searchsorted(along, at[near], side="right") - 1, 0, len(steps) - 1)
        way = np.diff(points, axis=0)[segment] / np.maximum(steps[segment], 1e-9)[:, None]
        return Stations(np.flatnonzero(near), place[near], way)

    def heading(self, place: Points, width: float) -> tuple[float, float]:
        """Give direction (radians) and width (metres) of the road nearest to a place.

        The width is ``width`` if no road is within 8 m.
        """
        if not len(self.roads):
            return 0.0, width
        start, way = self.roads[:, :2], self.roads[:, 2:4]
        reach = np.maximum((way**2).sum(axis=1), 1e-9)
        share = np.clip(((place - start) * way).sum(axis=1) / reach, 0, 1)
        apart = start + share[:, None] * way - place
        distance = np.hypot(apart[:, 0], apart[:, 1])
        best = int(np.argmin(distance))
        if distance[best] > 8 * self.metre:
            return 0.0, width
        return math.atan2(way[best, 1], way[best, 0]), float(self.roads[best, 4])

    def inside(self, places: Points, margin: float) -> npt.NDArray[np.bool_]:
        """Give a mask of the places on the canvas or within a margin of it, in pixels."""
        high = np.array((self.width, self.height)) + margin
        return np.asarray(((places > -margin) & (places < high)).all(axis=-1), np.bool_)

    @staticmethod
    def _slices(patch: Patch) -> tuple[slice, slice]:
        height, width = patch.mask.shape
        return slice(patch.top, patch.top + height), slice(patch.left, patch.left + width)

    def _near(self, points: Points, margin: float) -> Points | None:
        """Give the part of a line from its first to its last segment near the canvas."""
        low, high = -margin, np.array([self.width, self.height]) + margin
        lower = np.minimum(points[:-1], points[1:])
        upper = np.maximum(points[:-1], points[1:])
        near = np.flatnonzero(((upper > low) & (lower < high)).all(axis=1))
        return points[near[0] : near[-1] + 2] if len(near) else None

    def _faded(self, points: Points, share: float, paint: Paint) -> Paint:
        """Mix paint with the colour under it, as in a partly covered pixel."""
        x, y = points[len(points) // 2] if len(points) > 2 else points.mean(axis=0)
        column = min(max(int(x), 0), self.width - 1)
        row = min(max(int(y), 0), self.height - 1)
        under = self.image[row, column].tolist()
        red, green, blue = (
            round(b + (p - b) * share) for p, b in zip(paint, under[:3], strict=False)
        )
        return red, green, blue, under[3]
