"""Plan: for every focus object the tile to fetch, the source drawn for it, and the fall-backs.

As in the paper (points and lines: centred on the point or on a node of the line; areas: their box;
then shifted), with what it leaves open set by the config.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import shapely
from pydantic import Field, model_validator

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage, StageConfig
from skyscript import chance
from skyscript.files.names import PARTS
from skyscript.geo.tile import (
    MAX_LATITUDE,
    Box,
    Tile,
    mercator_box,
    mercator_scale,
    on_grid,
    tile_around,
    to_degrees,
)
from skyscript.imagery.mosaic import pieces
from skyscript.imagery.scene_index import Catalogue, catalogue
from skyscript.osm.underground import UNDERGROUND, hidden_from_above
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from stages.plan.candidate_order import drawn_order
from tag_vocab import Vocabulary

AREAS = ("a", "r")

NOTHING_SEEN = "no tag that can be seen from above"
NOT_COVERED = "not covered by any source"
NOT_SHARP = "no source is sharp enough"
TOO_SMALL = "too small for every source that suits"
TOO_LARGE = "too large for every source that suits"
AT_EDGE = "too near the edge of every source that suits"
TOO_POLAR = "beyond 85 degrees of latitude"
ANTIMERIDIAN = "crosses the antimeridian"


class PlanConfig(StageConfig):
    """How large tiles are, and where their objects lie in them."""

    seed: int = Field(0, description="Seed every random choice of this stage.")
    min_side: int = Field(
        100, ge=16, description="Make the side of a tile at least this many pixels long."
    )
    max_side: int = Field(
        1000,
        le=8192,
        description="Make the side of a tile at most this many pixels long. An area that needs "
        "more is skipped for that source.",
    )
    min_extent: float = Field(
        5,
        ge=0,
        description="Skip an area for a source whose longer side would have fewer pixels than "
        "this. A pond of 10 m is visible as water, yet it is a single pixel of an image at 10 m.",
    )
    object_side: tuple[int, int] = Field(
        (224, 512),
        description="Draw the side of a tile around a point or a line between these two numbers "
        "of pixels.",
    )
    shift: float = Field(
        0.25,
        ge=0,
        lt=0.5,
        description="Move an object off the centre by at most this share of the tile's side, "
        "along each axis.",
    )
    centred_share: float = Field(
        0.2, ge=0, le=1, description="Leave this share of objects exactly in the centre."
    )
    gsd_slack: float = Field(
        1.0,
        ge=1,
        description="Allow an image to be this many times coarser than a tag's maximum GSD. The "
        "scale has no step between 1 and 10 m, so imagery at 2 m shows some things that the scale "
        "denies. Set it at the top level, because overlay uses the same key.",
    )
    max_candidates: int = Field(
        8,
        ge=1,
        description="Keep this many scenes for a tile: the drawn one and the scenes to fall back "
        "on.",
    )

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        smallest, largest = self.object_side
        if not self.min_side <= smallest <= largest <= self.max_side:
            raise ValueError("sides must be min_side <= object_side <= max_side")
        return self


class _Skip(Exception):
    """The object gets no tile; the message is the reason."""


class _Subject(NamedTuple):
    """What a tile is made for: a position and, of an area, the extent around it."""

    object_id: str
    lon: float
    lat: float
    extent: tuple[float, float] | None
    """EPSG:3857 metres; None of a point or a line, of which a tile may show a part."""
    max_gsd: float


class _Framing(NamedTuple):
    """The draws for an object: they hold for every source."""

    side: int
    """Pixels; of points and lines."""
    shift: tuple[float, float]
    """East and north, in tile sides; (0, 0) in the very centre."""


def plan(
    focus: pa.Table,
    scenes: ds.Dataset,
    vocab: ds.Dataset,
    *,
    config: PlanConfig,
    shard: Shard,  # noqa: ARG001
) -> pa.Table:
    """Give a tile with its candidates for each focus object, or the reason why it gets none."""
    known, words = catalogue(scenes), run_vocabulary(vocab)
    geometries = shapely.from_wkb(focus.column("geometry").to_numpy(zero_copy_only=False))
    rows = focus.drop_columns(["geometry"]).to_pylist()
    planned = [_plan(*pair, known, words, config) for pair in zip(rows, geometries, strict=True)]
    return pa.Table.from_pylist(planned, schema=tables.TILES.schema)


def _plan(
    row: Mapping[str, Any],
    geometry: shapely.Geometry,
    known: Catalogue,
    words: Vocabulary,
    config: PlanConfig,
) -> dict[str, object]:
    object_id = row["object_id"]
    framing = _framing(object_id, config)
    result: dict[str, object] = {
        "object_id": object_id,
        # The seed has no part in it: an object's folder is the same in every dataset.
        "part": PARTS[int(len(PARTS) * chance.uniform(0, object_id, "part"))],
        "centred": framing.shift == (0, 0),
        "candidates": [],
        "status": STATUS_OK,
        "reason": None,
    }
    try:
        subject = _subject(row, geometry, words, config)
        result["candidates"] = _candidates(subject, framing, known, config)
    except _Skip as skip:
        result |= {"status": STATUS_FILTERED, "reason": str(skip)}
    return result


def _framing(object_id: str, config: PlanConfig) -> _Framing:
    smallest, largest = config.object_side
    side = int(chance.between(config.seed, object_id, "side", smallest, largest + 1))
    if chance.uniform(config.seed, object_id, "centred") < config.centred_share:
        return _Framing(side, (0.0, 0.0))
    east, north = (
        chance.between(config.seed, object_id, f"shift {axis}", -config.shift, config.shift)
        for axis in ("east", "north")
    )
    return _Framing(side, (east, north))


def _subject(
    row: Mapping[str, Any], geometry: shapely.Geometry, words: Vocabulary, config: PlanConfig
) -> _Subject:
    object_id, tags = row["object_id"], dict(row["tags"])
    if hidden_from_above(tags):
        raise _Skip(UNDERGROUND)
    max_gsd = words.max_gsd(tags)
    if max_gsd is None:
        raise _Skip(NOTHING_SEEN)
    box = Box(*(row[side] for side in Box._fields))
    if max(-box.south, box.north) > MAX_LATITUDE:
        raise _Skip(TOO_POLAR)
    if box.east - box.west > 180:
        raise _Skip(ANTIMERIDIAN)
    if row["kind"] in AREAS:
        west, south, east, north = mercator_box(box)
        lon, lat = to_degrees((west + east) / 2, (south + north) / 2)
        return _Subject(object_id, lon, lat, (east - west, north - south), max_gsd)
    nodes = shapely.get_coordinates(geometry)
    if len(nodes) > 1 and (nodes[0] == nodes[-1]).all():
        nodes = nodes[:-1]
    lon, lat = nodes[int(chance.uniform(config.seed, object_id, "node") * len(nodes))]
    return _Subject(object_id, float(lon), float(lat), None, max_gsd)


def _candidates(
    subject: _Subject, framing: _Framing, known: Catalogue, config: PlanConfig
) -> list[dict[str, object]]:
    """Give the scenes that show the object's tile, the drawn one first."""
    here = known.touching(Box(subject.lon, subject.lat, subject.lon, subject.lat))
    if not len(here):
        raise _Skip(NOT_COVERED)
    sharp = here[known.gsds[here] <= subject.max_gsd * config.gsd_slack]
    if not len(sharp):
        raise _Skip(NOT_SHARP)
    if subject.extent is not None:
        longer = max(subject.extent) / mercator_scale(subject.lat)
        sharp = sharp[known.gsds[sharp] * config.min_extent <= longer]
        if not len(sharp):
            raise _Skip(TOO_SMALL)
    tiles = _tiles(subject, framing, known.gsds[sharp].tolist(), config)
    fitting = [number for number, tile in zip(sharp, tiles, strict=True) if tile is not None]
    if not fitting:
        raise _Skip(TOO_LARGE)
    shown = dict(_showing(fitting, [tile for tile in tiles if tile is not None], known))
    if shown:
        order = drawn_order(subject.object_id, list(shown), known, config.seed)[
            : config.max_candidates
        ]
        return [_candidate(known, [number], shown[number]) for number in order]
    wanted = {number: tile for number, tile in zip(sharp.tolist(), tiles, strict=True) if tile}
    for number in drawn_order(subject.object_id, list(wanted), known, config.seed):
        if together := pieces(known, number, wanted[number]):
            return [_candidate(known, together, wanted[number])]
    raise _Skip(AT_EDGE)


def _tiles(
    subject: _Subject, framing: _Framing, gsds: list[float], config: PlanConfig
) -> list[Tile | None]:
    by_gsd = {gsd: _tile(subject, framing, gsd, config) for gsd in set(gsds)}
    return [by_gsd[gsd] for gsd in gsds]


def _tile(subject: _Subject, framing: _Framing, gsd: float, config: PlanConfig) -> Tile | None:
    """Give the tile at a GSD; None where an area is too large for it."""
    if subject.extent is None:
        width = height = framing.side
        shift = (framing.shift[0] * width, framing.shift[1] * height)
    else:
        pixel = gsd * mercator_scale(subject.lat)
        pixels = [length / pixel for length in subject.extent]
        if max(pixels) > config.max_side:
            return None
        (width, east), (height, north) = (
            _room(length, share, config)
            for length, share in zip(pixels, framing.shift, strict=True)
        )
        shift = (east, north)
    tile = tile_around(subject.lon, subject.lat, width, height, gsd, shift)
    if not on_grid(tile.box):
        polar = max(-tile.box.south, tile.box.north) > MAX_LATITUDE
        raise _Skip(TOO_POLAR if polar else ANTIMERIDIAN)
    return tile


def _room(length: float, share: float, config: PlanConfig) -> tuple[int, float]:
    """Give the side that holds a length which lies off the centre, and the shift, all in pixels.

    The side grows with the drawn shift, so that the object is off the centre and whole; at the
    largest side what room is left bounds the shift.
    """
    wanted = math.ceil(length / (1 - 2 * abs(share)))
    side = min(max(wanted, config.min_side), config.max_side)
    room = (side - length) / 2
    return side, min(max(share * side, -room), room)


def _showing(numbers: list[int], tiles: list[Tile], known: Catalogue) -> Iterator[tuple[int, Tile]]:
    """Yield the scenes whose footprint contains their tile."""
    boxes = shapely.box(*np.array([tile.box for tile in tiles]).T)
    covered = shapely.covers(known.footprints[numbers], boxes)
    return (
        (number, tile) for number, tile, yes in zip(numbers, tiles, covered, strict=True) if yes
    )


def _candidate(known: Catalogue, numbers: list[int], tile: Tile) -> dict[str, object]:
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


PLAN = ShardStage(
    "plan",
    plan,
    PlanConfig,
    reads=(tables.FOCUS,),
    looks_up=(tables.SCENES, tables.VOCAB),
    writes=tables.TILES,
    external=vocabulary,
    version=2,
)
