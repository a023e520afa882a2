"""Stamps: looks that are repeated on another look, such as trees in a park or cars."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from skyscript import chance
from skyscript.backends.simulated.canvas import Canvas, Patch
from skyscript.backends.simulated.features import LINE, POINT, Feature, Points, point
from skyscript.backends.simulated.looks import Layer, Look, Stamp
from skyscript.backends.simulated.noise import SEED
from skyscript.backends.simulated.painter import parallel
from skyscript.backends.simulated.tables import materials

_MOST = 1500
_CLOSEST = 5.0
"""Canvas pixels between places below which nothing is stamped."""


def stamps(canvas: Canvas, feature: Feature, look: Look) -> Iterator[Feature]:
    """Give the points of a look's stamps on a feature; they are the same in every tile."""
    stamp = look.stamp
    if stamp is None or feature.dimension == POINT or stamp.every * canvas.metre < _CLOSEST:
        return
    if feature.dimension == LINE:
        yield from _along_line(canvas, feature, stamp)
    elif (patch := canvas.patch(feature.parts)) is not None:
        *steps, share = (part for part in stamp[1:] if part is not None)
        cells, places = _cells(feature, patch, np.array(steps) * canvas.metre)
        chosen = _draws(feature, stamp.name, cells) < share
        grows = len(steps) == 1 and look.layer is Layer.GROUND
        at = np.floor(places).astype(np.int64) - (patch.left, patch.top)
        chosen &= ((at >= 0) & (at < patch.mask.shape[::-1])).all(axis=1)
        cells, places, (x, y) = cells[chosen], places[chosen], at[chosen].T
        ground = materials().by["green"][canvas.image[patch.window][y, x, 3]] if grows else 1
        turn = feature.frame.angle + math.pi / 2
        for one in np.flatnonzero(patch.mask[y, x] & (ground > 0))[:_MOST]:
            i, j = cells[one]
            yield point(f"{feature.object_id}/{i}/{j}", places[one], turn)


def _draws(feature: Feature, purpose: str, cells: npt.NDArray[np.int64]) -> Points:
    """Draw a number from [0, 1) for each row of numbers: equal for the object in every tile."""
    start = np.repeat(chance.hashes(SEED, [feature.object_id], purpose), len(cells))
    mixed = chance.combine(start, *cells.astype(np.uint64).T)
    return (mixed >> np.uint64(11)) / 2.0**53


def _along_line(canvas: Canvas, feature: Feature, stamp: Stamp) -> Iterator[Feature]:
    every, share, offset = stamp.every, stamp.second, stamp.third or 0.0
    for count, line in enumerate(feature.parts):
        for side in (-1, 1) if offset else (1,):
            run = parallel(line, side * offset * canvas.metre) if offset else line
            for number, place, turn in canvas.stations(run, every, every / 2):
                name = f"{feature.object_id}/{count}/{side}/{number}"
                if chance.uniform(SEED, name, stamp.name) < share:
                    yield point(name, place, turn)


def _cells(feature: Feature, patch: Patch, steps: Points) -> tuple[npt.NDArray[np.int64], Points]:
    """Give the cells of a lattice along an area's long side, and a place in each.

    Two steps are the periods of rows; with one step the places are scattered at random.
    """
    rows, columns = patch.window
    x, y = np.meshgrid((columns.start, columns.stop), (rows.start, rows.stop))
    reach = np.stack(feature.frame.from_pixels(x, y), axis=-1).reshape(4, 2) / steps
    (i0, j0), (i1, j1) = np.floor(reach.min(0)).astype(int), np.ceil(reach.max(0)).astype(int)
    cells = np.mgrid[i0 : i1 + 1, j0 : j1 + 1].reshape(2, -1).T
    if len(steps) == 2:
        return cells, feature.frame.to_pixels((cells + np.array((0.5, 0.3))) * steps)
    moved = np.stack([_draws(feature, f"strewn {axis}", cells) for axis in "xy"], axis=1)
    return cells, feature.frame.to_pixels((cells + 0.15 + 0.7 * moved) * steps)
