"""The candidates of a tile: the scenes that show it, each with the tile at its resolution."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

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


def placed(
    subject: Subject, first: Placement, here: Indices, known: SceneIndex, config: PlanConfig
) -> tuple[Placement, list[dict[str, object]]]:
    """Give the first drawn placement that images cover, and the scenes that show its tile.

    ``first`` is the first placement that is drawn, ``here`` are the scenes that show its place.
    Raises `Skip` with the reason if there is none.
    """
    try:
        return first, _candidates(subject, first, here, known, config)
    except Skip as skip:
        reason = skip
    if str(reason) in HOPELESS or (str(reason) in NOT_HERE and len(subject.places) == 1):
        raise reason
    places = _shown_places(subject, known, config)
    if len(places) and (len(places) > 1 or _core_is_covered(subject, places[0], known, config)):
        for other in other_placements(subject.object_id, places, config):
            try:
                here = known.touching_points(np.array([[other.lon, other.lat]]))[0]
                return other, _candidates(subject, other, here, known, config)
            except Skip as skip:
                reason = skip if str(reason) in NOT_HERE else reason
    raise reason


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
    return bool(_showing(cores, known)) or any(
        scenes_filling(known, number, cores[number]) for number in _one_of_each_kind(cores, known)
    )


def _one_of_each_kind(numbers: Iterable[int], known: SceneIndex) -> list[int]:
    """Give the first of the scenes of each kind: all of a kind give the same mosaic."""
    first: dict[tuple[str, float, int], int] = {}
    for number in numbers:
        first.setdefault(known.kind_of(number), number)
    return list(first.values())


def _candidates(
    subject: Subject, placement: Placement, here: Indices, known: SceneIndex, config: PlanConfig
) -> list[dict[str, object]]:
    """Give the scenes that show the tile of a placement, the drawn one first."""
    if not len(here):
        raise Skip(NOT_COVERED)
    sharp = here[known.gsds[here] <= subject.max_gsd * config.gsd_slack]
    if not len(sharp):
        raise Skip(NOT_SHARP)
    if subject.extent is not None:
        longer = max(subject.extent) / mercator_scale(placement.lat)
        sharp = sharp[known.gsds[sharp] * config.min_extent <= longer]
        if not len(sharp):
            raise Skip(TOO_SMALL)
    tiles = _tiles(subject, placement, sharp.tolist(), known, config)
    if not tiles:
        raise Skip(OUT_OF_VIEW if subject.extent is None else TOO_LARGE)
    if shown := _showing(tiles, known):
        most = config.max_candidates
        order = drawn_order(subject.object_id, shown, known, config.seed)
        return [_candidate(known, [number], tiles[number]) for number in order[:most]]
    order = drawn_order(subject.object_id, list(tiles), known, config.seed)
    for number in _one_of_each_kind(order, known):
        if together := scenes_filling(known, number, tiles[number]):
            return [_candidate(known, together, tiles[number])]
    raise Skip(AT_EDGE)


def _tiles(
    subject: Subject,
    placement: Placement,
    numbers: list[int],
    known: SceneIndex,
    config: PlanConfig,
) -> dict[int, Tile]:
    """Give the tile at the GSD of each scene; leaves out scenes without one."""
    gsds = {number: float(known.gsds[number]) for number in numbers}
    by_gsd = {gsd: _tile(subject, placement, gsd, config) for gsd in set(gsds.values())}
    return {number: tile for number, gsd in gsds.items() if (tile := by_gsd[gsd]) is not None}


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


def _showing(tiles: Mapping[int, Tile], known: SceneIndex) -> list[int]:
    """Give the scenes whose footprint contains their tile."""
    boxes = shapely.box(*np.array([tile.box for tile in tiles.values()]).T)
    covered = shapely.covers(known.footprints[list(tiles)], boxes)
    return [number for number, is_covered in zip(tiles, covered, strict=True) if is_covered]


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
