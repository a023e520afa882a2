"""Stamps: looks that are repeated on another look, such as trees in a park or cars."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skyscript.backends.simulated.canvas import Canvas, Patch
from skyscript.backends.simulated.features import LINE, POINT, Feature, Points
from skyscript.backends.simulated.looks import Layer, Look, Stamp
from skyscript.backends.simulated.noise import cell_uniform
from skyscript.backends.simulated.painter import parallel
from skyscript.backends.simulated.tables import materials

_MOST = 1500
_CLOSEST = 5.0
"""Canvas pixels between places below which nothing is stamped."""


class _Cells(NamedTuple):
    i: npt.NDArray[np.int64]
    j: npt.NDArray[np.int64]
    place: Points


def stamps(canvas: Canvas, feature: Feature, look: Look) -> Iterator[Feature]:
    """Give the points of a look's stamps on a feature; they are the same in every tile."""
    stamp = look.stamp
    if stamp is None or feature.dimension == POINT or stamp.numbers[0] * canvas.metre < _CLOSEST:
        return
    seed = int(feature.uniform(stamp.value) * 2**48)
    if feature.dimension == LINE:
        yield from _along_line(canvas, feature, stamp, seed)
        return
    if (patch := canvas.patch(feature.parts)) is None:
        return
    aligned = len(stamp.numbers) > 2
    cells = (
        _in_rows(feature, canvas, stamp) if aligned else _at_random(feature, canvas, stamp, patch)
    )
    chosen = cell_uniform(seed, cells.i, cells.j) < stamp.numbers[-1]
    chosen &= _inside(cells.place, patch)
    if not aligned and look.layer == Layer.GROUND:
        chosen &= _green(canvas, cells.place)
    turn = feature.frame.angle + math.pi / 2
    for i, j, place in list(zip(*(part[chosen] for part in cells), strict=True))[:_MOST]:
        yield _point(f"{feature.object_id}/{i}/{j}", place, turn)


def _point(name: str, place: Points, turn: float) -> Feature:
    return Feature(name, {}, POINT, [place[None]], place[None], turn=turn)


def _along_line(canvas: Canvas, feature: Feature, stamp: Stamp, seed: int) -> Iterator[Feature]:
    every, share, offset = (*stamp.numbers, 0.0)[:3]
    for count, line in enumerate(feature.parts):
        for side in (-1, 1) if offset else (1,):
            run = parallel(line, side * offset * canvas.metre) if offset else line
            found = canvas.stations(run, every)
            draws = cell_uniform(seed + side, found.number, found.number * 0)
            for at in np.flatnonzero(draws < share).tolist():
                turn = math.atan2(found.way[at][1], found.way[at][0])
                name = f"{feature.object_id}/{count}/{side}/{found.number[at]}"
                yield _point(name, found.place[at], turn)


def _in_rows(feature: Feature, canvas: Canvas, stamp: Stamp) -> _Cells:
    """Give places in rows along an area's long side."""
    frame = feature.frame
    steps = np.array(stamp.numbers[:2]) * canvas.metre
    half = [
        min(200, math.ceil(side / step / 2))
        for side, step in zip((frame.length, frame.width), steps, strict=True)
    ]
    i, j = (
        grid.ravel() for grid in np.meshgrid(*(np.arange(-h, h + 1) for h in half), indexing="ij")
    )
    return _Cells(i, j, frame.to_pixels(np.stack((i + 0.5, j + 0.3), axis=1) * steps, 1.0))


def _at_random(feature: Feature, canvas: Canvas, stamp: Stamp, patch: Patch) -> _Cells:
    """Give places on a lattice that starts at the outline's first corner, moved at random."""
    step = stamp.numbers[0] * canvas.metre
    x0, y0 = feature.outline[0]
    spans = ((patch.left - x0, patch.mask.shape[1]), (patch.top - y0, patch.mask.shape[0]))
    ranges = (
        np.arange(low // step, (low + size) // step + 1, dtype=np.int64) for low, size in spans
    )
    i, j = (grid.ravel() for grid in np.meshgrid(*ranges))
    seed = int(feature.uniform("strewn") * 2**48)
    moved = [0.15 + 0.7 * cell_uniform(seed + axis, i, j).astype(np.float64) for axis in (1, 2)]
    return _Cells(i, j, np.stack((x0 + (i + moved[0]) * step, y0 + (j + moved[1]) * step), axis=1))


def _inside(places: Points, patch: Patch) -> npt.NDArray[np.bool_]:
    """Give a mask of the places that are on the pixels of a patch."""
    x, y = np.floor(places).astype(np.int64).T - np.array(((patch.left,), (patch.top,)))
    height, width = patch.mask.shape
    inside = np.asarray((x >= 0) & (y >= 0) & (x < width) & (y < height), np.bool_)
    inside[inside] = patch.mask[y[inside], x[inside]] > 0
    return inside


def _green(canvas: Canvas, places: Points) -> npt.NDArray[np.bool_]:
    """Give a mask of the places on grass or soil."""
    inside = canvas.inside(places, 0.0)
    x, y = np.floor(places[inside]).astype(np.int64).T
    inside[inside] = np.isin(canvas.image[y, x, 3], list(materials().green))
    return inside
