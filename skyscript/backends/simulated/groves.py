"""Trees that OSM does not name: here and there in parks, gardens and streets of houses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature, Points
from skyscript.backends.simulated.layers import Layer, Look, Pass
from skyscript.backends.simulated.materials import classes
from skyscript.backends.simulated.noise import Field, cell_uniform
from skyscript.backends.simulated.pixels import Mask
from skyscript.backends.simulated.trees import crown

_GREEN = classes("grass", "rough grass", "lawn", "yard", "bushes", "soil")
"""What trees grow on; elsewhere stand houses and lie roads."""
_MOST = 1500
Cells = npt.NDArray[np.int64]


def grove(gap: float, share: float) -> Look:
    """Give the passes that stand trees on an area.

    Args:
        gap: metres between the places where one may stand
        share: of the places where one does
    """

    def shadows(canvas: Canvas, feature: Feature) -> None:
        for (x, y), draw in _places(canvas, feature, gap, share):
            canvas.cast_disc((x, y), 1.8 + 2.2 * draw, 4.0 + 3 * draw)

    def crowns(canvas: Canvas, feature: Feature) -> None:
        for (x, y), draw in _places(canvas, feature, gap, share):
            kind = "needleleaved" if draw * 17 % 1 < 0.2 else "broadleaved"
            crown(canvas, (x, y), 1.8 + 2.2 * draw, draw, kind)

    return Pass(Layer.CAST, shadows, 9), Pass(Layer.CROWN, crowns, -1)


def _places(
    canvas: Canvas, feature: Feature, gap: float, share: float
) -> list[tuple[list[float], float]]:
    """Give where the trees stand and a draw for each: on a lattice, moved at random."""
    found = canvas.mask(feature.parts)
    step = gap * canvas.metre
    if found is None or step < 8:
        return []
    mask, left, top = found
    x0, y0 = feature.outline[0]
    columns, rows = np.meshgrid(
        np.arange((left - x0) // step, (left + mask.shape[1] - x0) // step + 1, dtype=np.int64),
        np.arange((top - y0) // step, (top + mask.shape[0] - y0) // step + 1, dtype=np.int64),
    )
    i, j = columns.ravel(), rows.ravel()
    seed = feature.seed("grove")
    chosen = cell_uniform(seed, i, j) < share
    i, j = i[chosen][:_MOST], j[chosen][:_MOST]
    places = np.stack(
        (
            x0 + (i + _draws(seed + 1, i, j)) * step,
            y0 + (j + _draws(seed + 2, i, j)) * step,
        ),
        axis=1,
    )
    grows = _grows(canvas, places, mask, (left, top))
    draws = cell_uniform(seed + 3, i, j)
    return list(zip(places[grows].tolist(), draws[grows].tolist(), strict=True))


def _draws(seed: int, i: Cells, j: Cells) -> Field:
    return 0.15 + 0.7 * cell_uniform(seed, i, j)


def _grows(
    canvas: Canvas, places: Points, mask: Mask, corner: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Say which places are on green ground of the area."""
    x, y = np.floor(places).astype(np.int64).T - np.array(corner)[:, None]
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    result: npt.NDArray[np.bool_] = inside.copy()
    here = np.flatnonzero(inside)
    material = canvas.image[y[here] + corner[1], x[here] + corner[0], 3]
    result[here] = (mask[y[here], x[here]] > 0) & np.isin(material, _GREEN)
    return result
