"""From objects to pixels: everything in its layer, shadows between, then what the camera adds."""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow as pa

from skyscript.backends.simulated import effects
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.coast import draw_sea
from skyscript.backends.simulated.features import Feature, Points, features
from skyscript.backends.simulated.layers import Layer, Pass
from skyscript.backends.simulated.looks import look_of
from skyscript.backends.simulated.materials import paint, tone
from skyscript.backends.simulated.roads import ROADS, road_width
from skyscript.backends.simulated.season import Season, light_at
from skyscript.geo.tile import Tile
from skyscript.imagery.protocol import Pixels


def _darkened(red: float, green: float, blue: float) -> Pixels:
    """Give a look-up table of four bands; the material stays."""
    table = np.arange(256)[:, None] * np.array([red, green, blue, 1.0])
    result: Pixels = np.rint(table).astype(np.uint8).reshape(1, 256, 4)
    return result


# In the shade the sky alone gives light, and it is blue.
_SHADOW = _darkened(0.47, 0.51, 0.60)
_HALF_SHADOW = _darkened(0.73, 0.75, 0.80)


def render(tile: Tile, objects: pa.Table, season: Season) -> Pixels:
    """Draw a tile, height x width x 3: the same arguments, the same bytes."""
    cv2.setNumThreads(1)
    latitude = (tile.box.south + tile.box.north) / 2
    canvas = Canvas(tile, light_at(season, latitude))
    bare = paint(tone("garden", canvas.light.season), "rough grass")
    canvas.whole[:] = np.array(bare, np.uint8).view(np.uint32)
    found = features(objects, canvas.window)
    draw_sea(canvas, found)
    canvas.roads = _road_pieces(found)
    shaded = False
    for work, feature in _in_order(found):
        if not shaded and work.layer > Layer.CAST:
            _lay_shadows(canvas)
            shaded = True
        work.draw(canvas, feature)
    if not shaded:
        _lay_shadows(canvas)
    return effects.develop(canvas, latitude, season)


def _road_pieces(found: list[Feature]) -> Points:
    """Give all pieces of carriageway: start, way, width; by them crossings know their direction."""
    pieces = [
        np.column_stack(
            (line[:-1], np.diff(line, axis=0), np.full(len(line) - 1, road_width(road)))
        )
        for road in sorted(found, key=lambda feature: feature.object_id)
        if road.is_line and ROADS.get(road.tags.get("highway", ""), ROADS["path"]).rank >= 4
        for line in road.parts
    ]
    return np.concatenate(pieces) if pieces else np.empty((0, 5))


def _in_order(found: list[Feature]) -> list[tuple[Pass, Feature]]:
    """Give every pass over every feature, by layer and rank, large before small."""
    works = [(work, feature) for feature in found for work in look_of(feature)]
    works.sort(key=lambda item: (item[0].layer, item[0].rank, -item[1].size, item[1].object_id))
    return works


def _lay_shadows(canvas: Canvas) -> None:
    for value, table in ((255, _SHADOW), (128, _HALF_SHADOW)):
        where = canvas.shade == value
        if where.any():
            darker = cv2.LUT(canvas.image, table).view(np.uint32)[:, :, 0]
            np.copyto(canvas.whole, darker, where=where)
