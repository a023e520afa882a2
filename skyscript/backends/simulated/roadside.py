"""What stands beside a street and drives on it; it hides a little of what is to be seen."""

from __future__ import annotations

import math

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.noise import cell_uniform
from skyscript.backends.simulated.parking import car
from skyscript.backends.simulated.trees import crown


def drive(canvas: Canvas, feature: Feature, width: float) -> None:
    """Put a car on the road here and there."""
    for line in feature.parts:
        stations = canvas.stations(line, 18.0)
        draws = cell_uniform(feature.seed("cars"), stations.number, stations.number * 0)
        for (x, y), (dx, dy), draw in zip(
            stations.place.tolist(), stations.way.tolist(), draws.tolist(), strict=True
        ):
            if draw < 0.09:
                off = canvas.metre * width / 4 * (1 if draw < 0.045 else -1)
                car(canvas, (x - dy * off, y + dx * off), math.atan2(dy, dx), draw * 11)


def stand_trees(canvas: Canvas, feature: Feature, width: float) -> None:
    """Stand a few trees beside a street; their crowns hide some of it."""
    for line in feature.parts:
        stations = canvas.stations(line, 13.0)
        draws = cell_uniform(feature.seed("trees"), stations.number, stations.number * 0)
        for (x, y), (dx, dy), draw in zip(
            stations.place.tolist(), stations.way.tolist(), draws.tolist(), strict=True
        ):
            off = canvas.metre * (width / 2 + 1.2) * (1 if draw < 0.5 else -1)
            crown(canvas, (x - dy * off, y + dx * off), 2.0 + 2.2 * (draw * 37 % 1), draw)
