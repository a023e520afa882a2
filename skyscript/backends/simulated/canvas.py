"""The drawing surface: fills, lines, repeated motifs and shadows in ground metres.

It is twice as fine as the tile, and shrunk at the end: so edges are smooth, widths are true to half
a pixel, and what is smaller than a pixel fades instead of standing out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from skyscript.backends.simulated.features import Frame, Points, Window
from skyscript.backends.simulated.materials import Paint
from skyscript.backends.simulated.motifs import Motif, averaged
from skyscript.backends.simulated.noise import Grid
from skyscript.backends.simulated.pixels import (
    SHIFT,
    Mask,
    Place,
    across,
    dot,
    fixed,
    phase,
    turned_box,
)
from skyscript.backends.simulated.season import Light
from skyscript.geo.tile import Tile, mercator_box

FINER = 2
"""Canvas pixels a tile pixel, each way."""
_SMALL_BLOCK = 26.0
"""Pixels below which a block's corners are not told apart in its shadow."""
_FINEST_RIBS = 3.0
_RIB = 90
"""Of 256: how wide a rib is."""
_FAINTEST = 0.3
"""A line or disc narrower than this many canvas pixels is not drawn."""


class Stations(NamedTuple):
    """Places along a line."""

    number: npt.NDArray[np.int64]
    """Counted from the line's start, the same in every tile."""
    place: Points
    way: Points
    """Unit vectors along the line."""


class Canvas:
    """Colours, materials and shadows of a tile while it is drawn."""

    def __init__(self, tile: Tile, light: Light) -> None:
        box = mercator_box(tile.box)
        self.width, self.height = tile.width * FINER, tile.height * FINER
        self.pixel = (box.east - box.west) / self.width
        self.west, self.north = box.west, box.north
        self.light = light
        middle = (tile.box.south + tile.box.north) / 2
        self.metre = 1 / (self.pixel * math.cos(math.radians(middle)))
        """Canvas pixels a metre on the ground."""
        self.image = np.empty((self.height, self.width, 4), np.uint8)
        """Red, green, blue, material."""
        self.roads = np.empty((0, 5))
        """Pieces of road: start, way to the end (pixels), width (metres)."""
        self.shade = np.zeros((self.height, self.width), np.uint8)
        """Not 0 where a shadow falls on the ground."""

    @property
    def window(self) -> Window:
        """The place that the canvas shows."""
        return Window(self.west, self.north, self.pixel, self.width, self.height)

    @property
    def grid(self) -> Grid:
        """The tile's own pixels, on which textures are sampled."""
        return Grid(
            self.west, self.north, self.pixel * FINER, self.width // FINER, self.height // FINER
        )

    @property
    def whole(self) -> npt.NDArray[np.uint32]:
        """The image with each pixel as one number, to copy it at once."""
        return self.image.view(np.uint32)[:, :, 0]

    def fill(self, rings: Sequence[Points], paint: Paint) -> None:
        """Fill rings, even-odd: inner rings stay as they are."""
        cv2.fillPoly(self.image, [fixed(ring) for ring in rings], paint, cv2.LINE_8, SHIFT)

    def convex(self, ring: Points, paint: Paint) -> None:
        """Fill one convex ring."""
        cv2.fillConvexPoly(self.image, fixed(ring), paint, cv2.LINE_8, SHIFT)

    def line(self, points: Points, metres: float, paint: Paint) -> None:
        """Draw a line of a width on the ground; one thinner than a pixel fades."""
        thickness = metres * self.metre
        if thickness < _FAINTEST or (run := self._near(points, thickness)) is None:
            return
        if thickness < 1:
            paint = self._faded(run, thickness, paint)
        wide = max(1, round(thickness))
        cv2.polylines(self.image, [fixed(run)], False, paint, wide, cv2.LINE_8, SHIFT)

    def ring(self, points: Points, metres: float, paint: Paint) -> None:
        """Draw a closed line."""
        self.line(np.concatenate((points, points[:1])), metres, paint)

    def disc(self, centre: Place, radius: float, paint: Paint) -> None:
        """Draw a disc of a radius in metres."""
        size = radius * self.metre
        if size < _FAINTEST / 2 or not self._inside(centre, size):
            return
        if size < 0.5:
            paint = self._faded(np.array([centre]), size * 2, paint)
        cv2.circle(
            self.image, dot(centre), round(size * (1 << SHIFT)), paint, -1, cv2.LINE_8, SHIFT
        )

    def circle(self, centre: Place, radius: float, metres: float, paint: Paint) -> None:
        """Draw a ring of a radius and a line width in metres."""
        turn = np.linspace(0, 2 * math.pi, 49)
        size = radius * self.metre
        points = np.stack((np.cos(turn) * size + centre[0], np.sin(turn) * size + centre[1]), 1)
        self.line(points, metres, paint)

    def box(self, centre: Place, angle: float, sides: tuple[float, float], paint: Paint) -> None:
        """Draw a turned rectangle, its sides in metres."""
        length, width = sides[0] * self.metre, sides[1] * self.metre
        if min(length, width) < _FAINTEST or not self._inside(centre, max(length, width)):
            return
        ring = np.rint(np.array(turned_box(centre, angle, length, width)) * (1 << SHIFT))
        cv2.fillConvexPoly(self.image, ring.astype(np.int32), paint, cv2.LINE_8, SHIFT)

    def motif(
        self, rings: Sequence[Points], frame: Frame, motif: Motif, metres: tuple[float, float]
    ) -> None:
        """Fill rings with a motif that repeats every so many metres along and across a frame."""
        found = self.mask(rings)
        if found is None:
            return
        mask, x0, y0 = found
        periods = metres[0] * self.metre, metres[1] * self.metre
        table, side = averaged(motif, periods)
        u = phase(mask, (x0, y0), frame, periods[0])
        v = phase(mask, (x0, y0), across(frame), periods[1])
        index = (v >> (8 - side)).astype(np.uint16) << side | u >> (8 - side)
        paints = np.ascontiguousarray(table).view(np.uint32)[:, 0]
        window = self.whole[y0 : y0 + mask.shape[0], x0 : x0 + mask.shape[1]]
        np.copyto(window, np.take(paints, index), where=mask.view(np.bool_))

    def ribs(self, rings: Sequence[Points], frame: Frame, metres: float, depth: float) -> None:
        """Darken lines along a frame, ``metres`` apart, by a share of the brightness."""
        period = metres * self.metre
        found = self.mask(rings) if period >= _FINEST_RIBS else None
        if found is None:
            return
        mask, x0, y0 = found
        dark = phase(mask, (x0, y0), across(frame), period) < _RIB
        window = self.image[y0 : y0 + mask.shape[0], x0 : x0 + mask.shape[1]]
        table = np.rint(np.arange(256) * (1 - depth)).astype(np.uint8)
        where = (dark & (mask > 0))[:, :, None]
        np.copyto(window[:, :, :3], table[window[:, :, :3]], where=where)

    def mask(self, rings: Sequence[Points]) -> tuple[Mask, int, int] | None:
        """Give the pixels inside rings as (mask, left, top); ``None`` where there are none."""
        every = np.concatenate(rings)
        left, top = np.floor(np.maximum(every.min(axis=0), 0)).astype(int)
        right, bottom = np.ceil(
            np.minimum(every.max(axis=0) + 1, (self.width, self.height))
        ).astype(int)
        if right <= left or bottom <= top:
            return None
        mask = np.zeros((bottom - top, right - left), np.uint8)
        moved = [fixed(ring - (left, top)) for ring in rings]
        cv2.fillPoly(mask, moved, 1, cv2.LINE_8, SHIFT)
        return mask, int(left), int(top)

    def cast(self, rings: Sequence[Points], height: float) -> None:
        """Throw the shadow of a block that stands on rings (even-odd), ``height`` in metres."""
        offset = self.thrown(height)
        if np.abs(offset).max() < 0.5:
            return
        moved = [ring + offset for ring in rings]
        if len(rings) == 1 and np.ptp(rings[0], axis=0).max() < _SMALL_BLOCK:
            hull = cv2.convexHull(fixed(np.concatenate((rings[0], moved[0]))))
            cv2.fillConvexPoly(self.shade, hull, 255, cv2.LINE_8, SHIFT)
            return
        for ring, there in zip(rings, moved, strict=True):
            walls = fixed(np.stack((ring[:-1], ring[1:], there[1:], there[:-1]), axis=1))
            for wall in walls:
                cv2.fillConvexPoly(self.shade, wall, 255, cv2.LINE_8, SHIFT)
        cv2.fillPoly(self.shade, [fixed(ring) for ring in moved], 255, cv2.LINE_8, SHIFT)

    def cast_line(self, points: Points, metres: float, lift: float = 0.0) -> None:
        """Throw the shadow of a thin thing of a width in metres that hangs ``lift`` up."""
        thickness = metres * self.metre
        if thickness < 0.45 or (run := self._near(points, thickness + 80 * self.metre)) is None:
            return
        moved = [fixed(run + self.thrown(lift))]
        value = 255 if thickness >= 1 else 128
        wide = max(1, round(thickness))
        cv2.polylines(self.shade, moved, False, value, wide, cv2.LINE_8, SHIFT)

    def cast_pole(self, foot: Place, height: float, metres: float) -> None:
        """Throw the shadow of a pole, mast or chimney."""
        base = np.array([foot])
        self.cast_line(np.concatenate((base, base + self.thrown(height))), metres)

    def cast_disc(self, centre: Place, radius: float, lift: float) -> None:
        """Throw the shadow of a disc (a crown, a tank's roof) that hangs ``lift`` metres up."""
        dx, dy = self.thrown(lift)
        place = (centre[0] + dx, centre[1] + dy)
        size = radius * self.metre
        if size >= 0.7 and self._inside(place, size):
            scaled = round(size * (1 << SHIFT))
            cv2.circle(self.shade, dot(place), scaled, 255, -1, cv2.LINE_8, SHIFT)

    def thrown(self, height: float) -> Points:
        """Give where, in pixels, the shadow of something ``height`` metres up falls."""
        reach = height * self.light.stretch * self.metre
        return np.array([self.light.away[0] * reach, self.light.away[1] * reach])

    def stations(self, points: Points, metres: float, offset: float = 0.5) -> Stations:
        """Give the places every so many metres along a line that are near the tile."""
        steps = np.hypot(*np.diff(points, axis=0).T)
        total = float(steps.sum())
        gap = metres * self.metre
        if total < 1e-6 or gap < 1:
            return Stations(np.empty(0, np.int64), np.empty((0, 2)), np.empty((0, 2)))
        along = np.concatenate(([0.0], np.cumsum(steps)))
        at = np.arange(offset * gap, total, gap)
        x, y = np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1])
        margin = 20 * self.metre
        near = (
            (x > -margin) & (x < self.width + margin) & (y > -margin) & (y < self.height + margin)
        )
        segment = np.clip(np.searchsorted(along, at[near], side="right") - 1, 0, len(steps) - 1)
        way = np.diff(points, axis=0)[segment] / np.maximum(steps[segment], 1e-9)[:, None]
        return Stations(np.flatnonzero(near), np.stack((x[near], y[near]), axis=1), way)

    def heading(self, place: Place, width: float) -> tuple[float, float]:
        """Give direction (radians) and width (metres) of the road nearest to a place.

        ``width`` is what comes back where no road is within 8 m.
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

    def _near(self, points: Points, margin: float) -> Points | None:
        """Give the run of a line from where it first comes near the canvas to where it leaves."""
        low, high = -margin, np.array([self.width, self.height]) + margin
        lower = np.minimum(points[:-1], points[1:])
        upper = np.maximum(points[:-1], points[1:])
        near = np.flatnonzero(((upper > low) & (lower < high)).all(axis=1))
        if not len(near):
            return None
        return points[near[0] : near[-1] + 2]

    def _inside(self, place: Place, reach: float) -> bool:
        x, y = place
        return -reach < x < self.width + reach and -reach < y < self.height + reach

    def _faded(self, points: Points, share: float, paint: Paint) -> Paint:
        """Mix paint with what lies under it, as a pixel does that it covers in part."""
        x, y = points[len(points) // 2] if len(points) > 2 else points.mean(axis=0)
        column = min(max(int(x), 0), self.width - 1)
        row = min(max(int(y), 0), self.height - 1)
        under = self.image[row, column].tolist()
        red, green, blue = (
            round(b + (p - b) * share) for p, b in zip(paint, under[:3], strict=False)
        )
        return red, green, blue, under[3]
