"""In which order things are drawn: the ground first, wires last."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature


class Layer(IntEnum):
    """What lies over what."""

    GROUND = 0
    WATER = 1
    SHORE = 2
    COURT = 3
    COURT_MARK = 4
    ROAD_EDGE = 5
    ROAD = 6
    ROAD_MARK = 7
    RAIL = 8
    BRIDGE_EDGE = 9
    BRIDGE = 10
    BRIDGE_MARK = 11
    LOW = 12
    """Walls, hedges, cars, benches."""
    CAST = 13
    """Shadows of what stands higher; they fall on everything above."""
    ROOF = 14
    ON_ROOF = 15
    CROWN = 16
    TALL = 17
    WIRE = 18


Draw = Callable[[Canvas, Feature], None]


class Pass(NamedTuple):
    """One go over a feature."""

    layer: Layer
    draw: Draw
    rank: float = 0
    """Within a layer the higher comes later; equal ones go from large to small."""


Look = tuple[Pass, ...]
"""How something is drawn."""
Looks = dict[str, dict[str, Look]]
"""Key -> value -> look; the value ``*`` stands for every value that is not listed."""
