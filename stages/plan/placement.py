"""Where an object lies in its tile: the draw, and further ones where no image covers the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from skyscript import chance
from skyscript.geo.tile import Points
from stages.plan.config import PlanConfig
from stages.plan.subject import Subject

DRAWS = 24
"""So many placements are drawn before those of the grid are tried: the first that is covered is a
uniform draw among all that are covered."""
STEPS = 7
"""The grid's number of shifts along an axis, its ends included."""
MOST_PLACES = 8
"""The most nodes of a line with which the grid is tried."""


class Placement(NamedTuple):
    """A draw for an object, the same for every source."""

    lon: float
    lat: float
    side: int
    """Pixels; for points and lines."""
    shift: tuple[float, float]
    """East and north, in tile sides; (0, 0) is the centre."""


def first_placements(subjects: Sequence[Subject], config: PlanConfig) -> list[Placement]:
    """Draw the node of a line, the side of a tile and the shift, for each subject."""
    ids, (smallest, largest) = [each.object_id for each in subjects], config.object_side
    draws = (
        chance.uniforms(config.seed, ids, purpose).tolist()
        for purpose in ("node", "side", "centred", "shift east", "shift north")
    )
    found = []
    for subject, node, side, centred, *shift in zip(subjects, *draws, strict=True):
        lon, lat = subject.places[int(node * len(subject.places))].tolist()
        east, north = (
            (0.0, 0.0)
            if centred < config.centred_share
            else (-config.shift + 2 * config.shift * draw for draw in shift)
        )
        pixels = int(smallest + (largest + 1 - smallest) * side)
        found.append(Placement(lon, lat, pixels, (east, north)))
    return found


def other_placements(object_id: str, places: Points, config: PlanConfig) -> Iterator[Placement]:
    """Draw placements at some places, then give those of a grid with the smallest side."""
    draws = chance.generator(config.seed, object_id, "placements")
    smallest, largest = config.object_side
    most = config.shift if config.centred_share < 1 else 0.0
    for _ in range(DRAWS):
        lon, lat = places[draws.integers(len(places))].tolist()
        side = int(draws.integers(smallest, largest + 1))
        east, north = draws.uniform(-most, most, 2).tolist()
        yield Placement(lon, lat, side, (east, north))
    steps = np.linspace(-most, most, STEPS).tolist()
    grid = [(east, north) for east in steps for north in steps]
    for lon, lat in draws.permutation(places)[:MOST_PLACES].tolist():
        for at in draws.permutation(len(grid)).tolist():
            yield Placement(lon, lat, smallest, grid[at])
