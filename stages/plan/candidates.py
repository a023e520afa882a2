"""The candidates of a tile: the scenes that show it, each with the tile at its resolution."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import shapely

from skyscript.geo.tile import (
    ANTIMERIDIAN,
    MAX_LATITUDE,
    TOO_POLAR,
    Points,
    Tile,
    mercator_scale,
    on_grid,
    tile_around,
)
from skyscript.imagery.mosaic import scenes_filling
from skyscript.imagery.scene_index import Indices, SceneIndex
from stages.plan.candidate_order import drawn_order
from stages.plan.config import PlanConfig
from stages.plan.placement import Placement, other_placements
from stages.plan.subject import Skip, Subject

NOT_COVERED = "not covered by any source"
NOT_SHARP = "no source is sharp enough at this `gsd_slack`"
TOO_SMALL = "too small for every source that suits"
TOO_LARGE = "too large for every source that suits"
OUT_OF_VIEW = "no tile with a side within `object_side` shows enough of it"
AT_EDGE = "too near the edge of every source that suits"
HOPELESS = (TOO_SMALL, TOO_LARGE, OUT_OF_VIEW)
"""Reasons that hold wherever the object lies in its tile."""
NOT_HERE = (NOT_COVERED, NOT_SHARP)
"""Reasons that hold for a place."""


class Attempt(NamedTuple):
    """A placement, and the tile at the GSD of each scene that suits, by the scene's number."""

    placement: Placement
    tiles: dict[int, Tile]
    reason: str | None = None
    """Why there is no tile."""


def attempt(
    subject: Subject, placement: Placement, here: Indices, known: SceneIndex, config: PlanConfig
) -> Attempt:
    """Make the tiles of a placement; ``here`` are the scenes that show its place."""
    try:
        return Attempt(placement, _tiles(subject, placement, here, known, config))
    except Skip as skip:
        return Attempt(placement, {}, str(skip))


def placed(
    subject: Subject, first: Attempt, shown: list[int], known: SceneIndex, config: PlanConfig
) -> tuple[Placement, list[dict[str, object]]] | Skip:
    """Give the first drawn placement that images cover, and the scenes that show its tile.

    ``first`` has the first placement that is drawn, ``shown`` are the scenes that show its tile.
    If there is none, gives the reason.
    """
    if found := _candidates(subject, first, shown, known, config):
        return first.placement, found
    reason = first.reason or AT_EDGE
    if reason in HOPELESS or (reason in NOT_HERE and len(subject.places) == 1):
        return Skip(reason)
    places = _shown_places(subject, known, config)
    if len(places) and (len(places) > 1 or _core_is_covered(subject, places[0], known, config)):
        for other in other_placements(subject.object_id, places, config):
            here = known.touching_points(np.array([[other.lon, other.lat]]))[0]
            tried = attempt(subject, other, here, known, config)
            (seen,) = showing([tried], known)
            if found := _candidates(subject, tried, seen, known, config):
                return other, found
            # Kept as text: an exception holds the frame whose variable would hold the exception.
            reason = (tried.reason or AT_EDGE) if reason in NOT_HERE else reason
    return Skip(reason)


def showing(attempts: Sequence[Attempt], known: SceneIndex) -> list[list[int]]:
    """Give for each attempt the scenes whose footprint contains their tile."""
    return _containing([each.tiles for each in attempts], known)


def _shown_places(subject: Subject, known: SceneIndex, config: PlanConfig) -> Points:
    """Give the places of a subject that a sharp enough scene shows."""
    points, scenes = known.tree.query(shapely.points(subject.places), predicate="intersects")
    sharp = known.gsds[scenes] <= subject.max_gsd * config.gsd_slack
    places: Points = subject.places[np.unique(points[sharp])]
    return places


def _core_is_covered(
    subject: Subject, place: Points, known: SceneIndex, config: PlanConfig
) -> bool:
    """Say whether images cover what every tile at the place would show."""
    lon, lat = place.tolist()
    numbers = known.touching_points(place[None])[0]
    numbers = numbers[known.gsds[numbers] <= subject.max_gsd * config.gsd_slack]
    cores = {}
    for number in numbers.tolist():
        gsd = float(known.gsds[number])
        if subject.extent is None:
            width = height = math.floor(config.object_side[0] * (1 - 2 * config.shift))
        else:
            pixel = gsd * mercator_scale(lat)
            width, height = (math.floor(length / pixel) for length in subject.extent)
        cores[number] = tile_around(lon, lat, width, height, gsd)
    return any(_containing([cores], known)) or any(
        scenes_filling(known, number, cores[number]) for number in _one_of_each_kind(cores, known)
    )


def _one_of_each_kind(numbers: Iterable[int], known: SceneIndex) -> list[int]:
    """Give the first of the scenes of each kind: all of a kind give the same mosaic."""
    first: dict[tuple[str, float, int], int] = {}
    for number in numbers:
        first.setdefault(known.kind_of(number), number)
    return list(first.values())


def _candidates(
    subject: Subject, tried: Attempt, shown: list[int], known: SceneIndex, config: PlanConfig
) -> list[dict[str, object]]:
    """Give the scenes that show the tile of a placement, the drawn one first; none at an edge."""
    if shown:
        most = config.max_candidates
        order = drawn_order(subject.object_id, shown, known, config.seed)
        return [_candidate(known, [number], tried.tiles[number]) for number in order[:most]]
    order = drawn_order(subject.object_id, list(tried.tiles), known, config.seed)
    for number in _one_of_each_kind(order, known):
        if together := scenes_filling(known, number, tried.tiles[number]):
            return [_candidate(known, together, tried.tiles[number])]
    return []


def _tiles(
    subject: Subject, placement: Placement, here: Indices, known: SceneIndex, config: PlanConfig
) -> dict[int, Tile]:
    """Give the tile at the GSD of each scene that suits; raises `Skip` if none does."""
    if not len(here):
        raise Skip(NOT_COVERED)
    gsds = known.gsds[here]
    suits = gsds <= subject.max_gsd * config.gsd_slack
    if not suits.any():
        raise Skip(NOT_SHARP)
    if subject.extent is not None:
        longer = max(subject.extent) / mercator_scale(placement.lat)
        suits &= gsds * config.min_extent <= longer
        if not suits.any():
            raise Skip(TOO_SMALL)
    of_scenes = dict(zip(here[suits].tolist(), gsds[suits].tolist(), strict=True))
    by_gsd = {gsd: _tile(subject, placement, gsd, config) for gsd in set(of_scenes.values())}
    tiles = {number: tile for number, gsd in of_scenes.items() if (tile := by_gsd[gsd]) is not None}
    if not tiles:
        raise Skip(OUT_OF_VIEW if subject.extent is None else TOO_LARGE)
    return tiles


def _tile(subject: Subject, placement: Placement, gsd: float, config: PlanConfig) -> Tile | None:
    """Give the tile at a GSD; None if none shows the whole area, or enough of a point or line."""
    if subject.extent is None:
        side = subject.side_in_view(placement.side, gsd / config.gsd_slack, config.object_side)
        if side is None:
            return None
        width = height = side
        shift = (placement.shift[0] * width, placement.shift[1] * height)
    else:
        pixel = gsd * mercator_scale(placement.lat)
        pixels = [length / pixel for length in subject.extent]
        if max(pixels) > config.max_side:
            return None
        (width, east), (height, north) = (
            _room(length, share, config)
            for length, share in zip(pixels, placement.shift, strict=True)
        )
        shift = (east, north)
    tile = tile_around(placement.lon, placement.lat, width, height, gsd, shift)
    if not on_grid(tile.box):
        polar = max(-tile.box.south, tile.box.north) > MAX_LATITUDE
        raise Skip(TOO_POLAR if polar else ANTIMERIDIAN)
    return tile


def _room(length: float, share: float, config: PlanConfig) -> tuple[int, float]:
    """Give the side for an area of a length, and its shift, all in pixels.

    The side grows with the drawn shift, so that the area lies off the centre and is whole. At the
    largest side the shift is limited by the room that is left.
    """
    wanted = math.ceil(length / (1 - 2 * abs(share)))
    side = min(max(wanted, config.min_side), config.max_side)
    room = (side - length) / 2
    return side, min(max(share * side, -room), room)


def _containing(tiles: Sequence[Mapping[int, Tile]], known: SceneIndex) -> list[list[int]]:
    """Give for each set of tiles the scenes whose footprint contains their tile.

    One call serves all sets, because most of a call's time does not depend on their number.
    """
    numbers = [number for each in tiles for number in each]
    boxes = shapely.box(
        *np.array([tile.box for each in tiles for tile in each.values()]).reshape(-1, 4).T
    )
    is_covered = iter(shapely.covers(known.footprints[numbers], boxes).tolist())
    return [[number for number in each if next(is_covered)] for each in tiles]


def _candidate(known: SceneIndex, numbers: list[int], tile: Tile) -> dict[str, object]:
    number, *others = numbers
    return {
        "scene_id": known.scene_id(number),
        "source": known.sources[number],
        "gsd": float(known.gsds[number]),
        "width": tile.width,
        "height": tile.height,
        **tile.box._asdict(),
        "others": [known.scene_id(other) for other in others] or None,
    }
