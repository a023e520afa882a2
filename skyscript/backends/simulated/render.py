"""Renders objects to pixels: the layers with the shadows between them, then the camera effects."""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow as pa

from skyscript.backends.simulated import effects
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.coast import draw_sea
from skyscript.backends.simulated.features import LINE, POINT, Feature, Points, features
from skyscript.backends.simulated.looks import Layer, Look, look_of, stamp_look, use_look
from skyscript.backends.simulated.painter import Pass, passes
from skyscript.backends.simulated.season import Season, light_at
from skyscript.backends.simulated.stamps import stamps
from skyscript.backends.simulated.tables import Tint, materials, paint
from skyscript.geo.tile import Tile
from skyscript.imagery.protocol import Pixels

_LEAST_ROAD = 3.5
"""Metres; narrower ways do not count as roads for things that lie across a road."""


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
    bare = Tint(plant="garden", material=materials().number["rough_grass"])
    canvas.whole[:] = np.array(paint(bare, canvas.light.season), np.uint8).view(np.uint32)
    found = sorted(features(objects, canvas.window), key=lambda feature: feature.object_id)
    draw_sea(canvas, found)
    looks = [(f, look) for f in found if (look := look_of(f.tags, f.dimension)) is not None]
    canvas.roads = _road_pieces(looks)
    works = [work for feature, look in looks for work in passes(canvas, feature, look)]
    _draw(canvas, [work for work in works if work.layer < Layer.CAST])
    above = [work for work in works if work.layer >= Layer.CAST]
    above += [work for feature, look in looks for work in _stamped(canvas, feature, look)]
    _draw(canvas, [work for work in above if work.layer == Layer.CAST])
    for value, table in ((255, _SHADOW), (128, _HALF_SHADOW)):
        if (where := canvas.shade == value).any():
            darker = cv2.LUT(canvas.image, table).view(np.uint32)[:, :, 0]
            np.copyto(canvas.whole, darker, where=where)
    _draw(canvas, [work for work in above if work.layer > Layer.CAST])
    return effects.develop(canvas, latitude, season)


def _draw(canvas: Canvas, works: list[Pass]) -> None:
    for work in sorted(works, key=lambda work: work[:5]):
        work.draw(canvas, work.feature, work.look)


def _stamped(canvas: Canvas, feature: Feature, look: Look) -> list[Pass]:
    """Give the passes for the stamps of a feature's look, and for the sign of a house's use."""
    result: list[Pass] = []
    if look.stamp is not None:
        stamped = stamp_look(look.stamp)
        for point in stamps(canvas, feature, look):
            result += passes(canvas, point, stamped)
    if look.layer is Layer.ROOF and (use := use_look(feature.tags)) is not None:
        middle, turn = np.array([feature.frame[:2]]), feature.frame.angle
        sign = Feature(f"{feature.object_id}/use", {}, POINT, [middle], middle, turn=turn)
        result += [work for work in passes(canvas, sign, use) if work.layer > Layer.CAST]
    return result


def _road_pieces(looks: list[tuple[Feature, Look]]) -> Points:
    """Give all pieces of carriageway: start, way, width; by them crossings know their direction."""
    pieces = [
        np.column_stack((line[:-1], np.diff(line, axis=0), np.full(len(line) - 1, look.width)))
        for road, look in looks
        if road.dimension == LINE and "highway" in road.tags and look.width >= _LEAST_ROAD
        for line in road.parts
    ]
    return np.concatenate(pieces) if pieces else np.empty((0, 5))
