"""Small pictures that repeat over an area: furrows, orchard trees, graves, bays, panels.

A motif is 32 x 32 texels of paint. Where it is smaller on the canvas than its texels, it is
averaged down first, to a single paint at last, so it fades with distance like the real thing.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from skyscript.backends.simulated.materials import Paint

SIDE = 32
Motif = npt.NDArray[np.uint8]
"""SIDE x SIDE x 4; columns run along the frame, rows across it."""


def plain(paint: Paint) -> Motif:
    """Give a motif of one paint, to draw on."""
    return np.full((SIDE, SIDE, 4), paint, np.uint8)


def stripes(base: Paint, mark: Paint, share: float) -> Motif:
    """Give lines along the frame that fill a share of the period."""
    motif = plain(base)
    motif[: max(1, round(SIDE * share))] = mark
    return motif


def waves(base: Paint, mark: Paint) -> Motif:
    """Give soft furrows along the frame."""
    turn = (1 - np.cos(np.linspace(0, 2 * np.pi, SIDE, endpoint=False)))[:, None, None] / 2
    motif = plain(base)
    rows = np.array(base[:3]) + (np.array(mark[:3]) - np.array(base[:3])) * turn
    motif[:, :, :3] = np.rint(np.broadcast_to(rows, (SIDE, SIDE, 3)))
    return motif


def lattice(base: Paint, mark: Paint, share: tuple[float, float]) -> Motif:
    """Give lines along and across that fill shares of the period: panes, slabs, bays."""
    motif = stripes(base, mark, share[1])
    motif[:, : max(1, round(SIDE * share[0]))] = mark
    return motif


def blocks(base: Paint, mark: Paint, sides: tuple[float, float], shadow: Paint | None) -> Motif:
    """Give one block in each period, with sides as shares of it: graves, containers, plots."""
    motif = plain(base)
    along, across = round(SIDE * sides[0]), round(SIDE * sides[1])
    left, top = (SIDE - along) // 2, (SIDE - across) // 2
    if shadow is not None:
        motif[max(0, top - 4) : top, max(0, left - 3) : left + along - 3] = shadow
        motif[top : top + across - 3, max(0, left - 3) : left] = shadow
    motif[top : top + across, left : left + along] = mark
    return motif


def dots(base: Paint, mark: Paint, shadow: Paint, radius: float) -> Motif:
    """Give a round plant in each period, lit from the south-east, with its shadow."""
    motif = plain(base)
    size = round(SIDE * radius)
    light = tuple(min(255, round(part * 1.25)) for part in mark[:3])
    cv2.circle(motif, (13, 12), size, shadow, -1)
    cv2.circle(motif, (17, 17), size, mark, -1)
    cv2.circle(motif, (19, 19), max(1, size // 2), (*light, mark[3]), -1)
    return motif


def averaged(motif: Motif, periods: tuple[float, float]) -> tuple[Motif, int]:
    """Give a motif's table for periods in pixels, and its side as a power of two."""
    side = 5
    while side > 0 and (1 << side) > min(periods):
        side -= 1
    if min(periods) < 3:
        side = 0
    if side == 5:
        return motif.reshape(-1, 4), side
    small = cv2.resize(motif[:, :, :3], (1 << side, 1 << side), interpolation=cv2.INTER_AREA)
    step = SIDE >> side
    material = motif[step // 2 :: step, step // 2 :: step, 3:]
    table = np.concatenate((np.asarray(small, np.uint8), material), axis=2)
    return table.reshape(-1, 4), side
