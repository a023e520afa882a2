"""Small pictures that repeat over an area: furrows, orchard trees, graves, bays, panels.

A motif is 32 x 32 texels of paint. Where it is smaller on the canvas than its texels, it is
averaged down first, to a single paint at last, so it fades with distance like the real thing.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from skyscript.backends.simulated.tables import Paint, brighter

_SIDE = 32
Motif = npt.NDArray[np.uint8]
"""32 x 32 x 4; columns run along the frame, rows across it."""
Make = Callable[[Motif, Paint, float], None]


def _waves(motif: Motif, mark: Paint, _share: float) -> None:
    """Draw soft furrows along the frame."""
    turn = (1 - np.cos(np.linspace(0, 2 * np.pi, _SIDE, endpoint=False)))[:, None, None] / 2
    motif[:, :, :3] = np.rint(motif[:, :, :3] + (np.array(mark[:3]) - motif[:, :, :3]) * turn)


def _stripes(motif: Motif, mark: Paint, share: float) -> None:
    """Draw lines along the frame that fill a share of the period."""
    motif[: max(1, round(_SIDE * share))] = mark


def _bars(motif: Motif, mark: Paint, share: float) -> None:
    """Draw lines across the frame that fill a share of the period."""
    motif[:, : max(1, round(_SIDE * share))] = mark


def _lattice(motif: Motif, mark: Paint, share: float) -> None:
    """Draw lines along and across: panes, slabs, dykes."""
    _stripes(motif, mark, share)
    _bars(motif, mark, share)


def _bays(motif: Motif, mark: Paint, share: float) -> None:
    """Draw the lines between parking bays: a row of bays, then a lane."""
    motif[: round(_SIDE * share), :2] = mark
    motif[:1] = mark


def _blocks(motif: Motif, mark: Paint, share: float) -> None:
    """Draw one block in each period, with its shadow: graves, containers, plots."""
    side = round(_SIDE * share)
    low = (_SIDE - side) // 2
    shadow = (*brighter(motif[0, 0, :3].tolist(), 0.6), 0)
    motif[max(0, low - 4) : low + side - 3, max(0, low - 3) : low + side - 3] = shadow
    motif[low : low + side, low : low + side] = mark


def _dots(motif: Motif, mark: Paint, share: float) -> None:
    """Draw a round plant in each period, lit from the south-east, with its shadow."""
    size = round(_SIDE * share)
    cv2.circle(motif, (13, 12), size, (*brighter(motif[0, 0, :3].tolist(), 0.6), 0), -1)
    cv2.circle(motif, (17, 17), size, mark, -1)
    light = (*brighter(mark[:3], 1.25), mark[3])
    cv2.circle(motif, (19, 19), max(1, size // 2), light, -1)


MOTIFS: dict[str, Make] = {
    "waves": _waves,
    "stripes": _stripes,
    "bars": _bars,
    "lattice": _lattice,
    "bays": _bays,
    "blocks": _blocks,
    "dots": _dots,
}


def motif_of(kind: str, base: Paint, mark: Paint, share: float) -> Motif:
    """Give a motif: a ground, and a mark that fills a share of each period."""
    motif = np.full((_SIDE, _SIDE, 4), base, np.uint8)
    MOTIFS[kind](motif, mark, share)
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
    step = _SIDE >> side
    material = motif[step // 2 :: step, step // 2 :: step, 3:]
    table = np.concatenate((np.asarray(small, np.uint8), material), axis=2)
    return table.reshape(-1, 4), side
