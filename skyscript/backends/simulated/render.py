"""Renders objects to pixels: the layers with the shadows between them, then the camera effects."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pyarrow as pa

from skyscript.backends.simulated.canvas import Canvas, Pieces
from skyscript.backends.simulated.coast import draw_sea
from skyscript.backends.simulated.effects import develop
from skyscript.backends.simulated.features import LINE, Feature, features, point
from skyscript.backends.simulated.looks import Layer, Look, look_of, stamp_look, use_look
from skyscript.backends.simulated.painter import Pass, passes
from skyscript.backends.simulated.season import Season
from skyscript.backends.simulated.stamps import stamps
from skyscript.backends.simulated.tables import paint, tint
from skyscript.geo.tile import Tile
from skyscript.imagery.protocol import Pixels

_LEAST_ROAD = 3.5
"""Metres; narrower ways do not count as roads for things that lie across a road."""
_SHADE = np.rint(np.arange(256)[:, None] * (0.47, 0.51, 0.60, 1.0)).astype(np.uint8)
"""In the shade the sky alone gives light, and it is blue."""


def render(tile: Tile, objects: pa.Table, season: Season) -> Pixels:
    """Draw a tile, height x width x 3: the same arguments, the same bytes."""
    cv2.setNumThreads(1)
    canvas = Canvas(tile, season)
    canvas.image[:] = paint(tint("garden/rough_grass"), canvas.light.season)
    found = sorted(features(objects, canvas.window), key=lambda feature: feature.object_id)
    draw_sea(canvas, found)
    looks = [(f, look) for f in found if (look := look_of(f.tags, f.dimension)) is not None]
    canvas.roads = road_pieces(looks)
    works = [work for feature, look in looks for work in passes(canvas, feature, look)]
    draw(work for work in works if work.order[0] < Layer.CAST)
    above = [work for work in works if work.order[0] >= Layer.CAST]
    above += [work for feature, look in looks for work in stamped(canvas, feature, look)]
    draw(work for work in above if work.order[0] == Layer.CAST)
    darker = cv2.LUT(canvas.image, _SHADE.reshape(1, 256, 4)).view(np.uint32)[:, :, 0]
    np.copyto(canvas.whole, darker, where=canvas.shade.view(np.bool_))
    draw(work for work in above if work.order[0] > Layer.CAST)
    return develop(canvas, season)


def draw(works: Iterable[Pass]) -> None:
    """Do some passes, in their order."""
    for work in sorted(works, key=lambda work: work.order):
        work.draw()


def stamped(canvas: Canvas, feature: Feature, look: Look) -> list[Pass]:
    """Give the passes for the stamps of a feature's look, and for the sign of a house's use."""
    result: list[Pass] = []
    if look.stamp is not None:
        stamp = stamp_look(look.stamp)
        for place in stamps(canvas, feature, look):
            result += passes(canvas, place, stamp)
    if look.layer is Layer.ROOF and (use := use_look(feature.tags)) is not None:
        frame = feature.frame
        sign = point(f"{feature.object_id}/use", np.array(frame[:2]), frame.angle)
        result += [work for work in passes(canvas, sign, use) if work.order[0] > Layer.CAST]
    return result


def road_pieces(looks: list[tuple[Feature, Look]]) -> Pieces:
    """Give the carriageways with their widths; by them crossings know their direction."""
    ways = [each for each in looks if each[0].dimension == LINE and "highway" in each[0].tags]
    wide = [(way, look.width) for way, look in ways if look.width >= _LEAST_ROAD]
    return Pieces([(line, width) for way, width in wide for line in way.parts])
