"""Renders objects to pixels: the layers with the shadows between them, then the camera effects."""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow as pa

from skyscript.backends.simulated import effects
from skyscript.backends.simulated.canvas import Canvas, Pieces, pieces
from skyscript.backends.simulated.coast import draw_sea
from skyscript.backends.simulated.features import LINE, POINT, Feature, features
from skyscript.backends.simulated.looks import Layer, Look, look_of, stamp_look, use_look
from skyscript.backends.simulated.painter import Pass, passes
from skyscript.backends.simulated.season import Season, light_at
from skyscript.backends.simulated.stamps import stamps
from skyscript.backends.simulated.tables import Tint, materials, paint
from skyscript.geo.tile import Tile
from skyscript.imagery.protocol import Pixels

_LEAST_ROAD = 3.5
"""Metres; narrower ways do not count as roads for things that lie across a road."""
_SHADE = np.array((0.47, 0.51, 0.60))
"""In the shade the sky alone gives light, and it is blue."""


def render(tile: Tile, objects: pa.Table, season: Season) -> Pixels:
    """Draw a tile, height x width x 3: the same arguments, the same bytes."""
    cv2.setNumThreads(1)
    latitude = (tile.box.south + tile.box.north) / 2
    canvas = Canvas(tile, light_at(season, latitude))
    canvas.image[:] = paint(
        Tint(plant="garden", material=materials().number["rough_grass"]), canvas.light.season
    )
    found = sorted(features(objects, canvas.window), key=lambda feature: feature.object_id)
    draw_sea(canvas, found)
    looks = [(f, look) for f in found if (look := look_of(f.tags, f.dimension)) is not None]
    canvas.roads = road_pieces(looks)
    works = [work for feature, look in looks for work in passes(canvas, feature, look)]
    draw(canvas, [work for work in works if work.layer < Layer.CAST])
    above = [work for work in works if work.layer >= Layer.CAST]
    above += [work for feature, look in looks for work in stamped(canvas, feature, look)]
    draw(canvas, [work for work in above if work.layer == Layer.CAST])
    shaded = canvas.shade > 0
    canvas.image[shaded, :3] = np.rint(canvas.image[shaded, :3] * _SHADE)
    draw(canvas, [work for work in above if work.layer > Layer.CAST])
    return effects.develop(canvas, latitude, season)


def draw(canvas: Canvas, works: list[Pass]) -> None:
    """Do some passes, in their order."""
    for work in sorted(works, key=lambda work: work[:5]):
        work.draw(canvas, work.feature, work.look)


def stamped(canvas: Canvas, feature: Feature, look: Look) -> list[Pass]:
    """Give the passes for the stamps of a feature's look, and for the sign of a house's use."""
    result: list[Pass] = []
    if look.stamp is not None:
        stamp = stamp_look(look.stamp)
        for point in stamps(canvas, feature, look):
            result += passes(canvas, point, stamp)
    if look.layer is Layer.ROOF and (use := use_look(feature.tags)) is not None:
        middle, turn = np.array([feature.frame[:2]]), feature.frame.angle
        sign = Feature(f"{feature.object_id}/use", {}, POINT, [middle], middle, turn=turn)
        result += [work for work in passes(canvas, sign, use) if work.layer > Layer.CAST]
    return result


def road_pieces(looks: list[tuple[Feature, Look]]) -> Pieces:
    """Give the carriageways with their widths; by them crossings know their direction."""
    return pieces(
        [
            (line, look.width)
            for road, look in looks
            if road.dimension == LINE and "highway" in road.tags and look.width >= _LEAST_ROAD
            for line in road.parts
        ]
    )
