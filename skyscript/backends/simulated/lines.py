"""Lines beside lines."""

from __future__ import annotations

import numpy as np

from skyscript.backends.simulated.features import Points


def parallel(line: Points, pixels: float) -> Points:
    """Give a line's parallel, so many pixels to the right of its direction."""
    if len(line) > 2:
        way = np.gradient(line, axis=0)
    else:
        way = np.repeat(np.diff(line, axis=0), 2, axis=0)
    normal = np.stack((-way[:, 1], way[:, 0]), axis=1)
    length = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-9)[:, None]
    result: Points = line + normal / length * pixels
    return result
