"""Looks for every other tag of the vocabulary: colours and shapes drawn from the tag itself.

So each tag that can be seen has a look of its own, though nobody gave it one.
"""

from __future__ import annotations

import colorsys
import math
from functools import cache
from typing import NamedTuple

import numpy as np

import tag_vocab
from skyscript import chance
from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature, Points
from skyscript.backends.simulated.layers import Layer, Look, Pass
from skyscript.backends.simulated.materials import Paint, paint
from skyscript.backends.simulated.pixels import Place
from skyscript.backends.simulated.values import Colour, brighter

_SEED = 0
_PIXELS = 7.0
"""Pixels that an emblem measures at its tag's maximum GSD."""
_USES = (
    "amenity",
    "shop",
    "tourism",
    "office",
    "leisure",
    "craft",
    "historic",
    "healthcare",
    "emergency",
    "military",
    "telecom",
    "club",
    "aeroway",
    "railway",
    "public_transport",
    "building",
)
"""Keys that say what a place is for; other attributes (surface, height) make no emblem."""


class Emblem(NamedTuple):
    """A look drawn from a tag."""

    ground: Colour
    mark: Colour
    shape: int
    pattern: int
    spacing: float
    """Metres between repetitions in an area."""
    turn: float


@cache
def emblem_of(key: str, value: str) -> Emblem:
    """Give the look that a tag always has."""
    tag = f"{key}={value}"

    def draw(purpose: str) -> float:
        return chance.uniform(_SEED, tag, purpose)

    hue = draw("hue")
    ground = _rgb(hue, 0.25 + 0.35 * draw("muted"), 0.50 + 0.35 * draw("bright"))
    mark = _rgb(
        hue + 0.25 + 0.5 * draw("other hue"), 0.45 + 0.4 * draw("vivid"), 0.35 + 0.6 * draw("light")
    )
    spacing = 4.0 * 3.0 ** draw("spacing")
    return Emblem(
        ground,
        mark,
        int(draw("shape") * 8),
        int(draw("pattern") * 4),
        spacing,
        draw("turn") * math.pi,
    )


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = (
        round(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, saturation, value)
    )
    return red, green, blue


def visible_tag(feature: Feature, skip: tuple[str, ...] = ()) -> tuple[str, str, float] | None:
    """Give an object's first tag that can be seen, with its maximum GSD; keys in skip are not."""
    for key, value in feature.tags.items():
        if key in skip or len(key) > 64 or len(value) > 64:
            continue
        entry = tag_vocab.look_up(key, value)
        if entry.groundable and entry.max_gsd is not None:
            return key, value, entry.max_gsd
    return None


def emblem(canvas: Canvas, feature: Feature, skip: tuple[str, ...]) -> None:
    """Mark a roof or a yard by the use of the place, as large as the tag's maximum GSD asks."""
    unused = tuple(key for key in feature.tags if key in skip or key not in _USES)
    found = visible_tag(feature, unused)
    if found is None:
        return
    key, value, gsd = found
    look = emblem_of(key, value)
    room = feature.frame.width / canvas.metre * 0.7 if feature.is_area else 40.0
    size = min(max(1.2, gsd * _PIXELS), room)
    angle = feature.frame.angle if feature.is_area else look.turn
    draw_emblem(canvas, feature.centre, angle, size, look)


def draw_emblem(canvas: Canvas, place: Place, angle: float, size: float, look: Emblem) -> None:
    """Draw one of eight shapes in the look's colours; ``size`` in metres."""
    ground, mark = paint(look.ground), paint(look.mark)
    half = size / 2
    if look.shape in (0, 1):
        canvas.disc(place, half, ground)
        canvas.disc(place, half * (0.5 if look.shape else 0.8), mark)
    else:
        canvas.box(place, angle, (size, size * (0.6 if look.shape % 2 else 1.0)), ground)
    if look.shape == 2:
        _cross(canvas, place, angle, size, mark)
    elif look.shape == 3:
        canvas.box(place, angle, (size * 0.8, size * 0.2), mark)
    elif look.shape == 4:
        canvas.convex(_star(canvas, place, angle, half * 0.9, 3), mark)
    elif look.shape == 5:
        for step in (-0.3, 0.0, 0.3):
            at = _moved(canvas, place, angle, step * size)
            canvas.box(at, angle, (size * 0.14, size * 0.6), mark)
    elif look.shape == 6:
        canvas.box(place, angle + math.pi / 4, (half, half), mark)
    elif look.shape == 7:
        canvas.box(_moved(canvas, place, angle, half / 2), angle, (half, size * 0.6), mark)


def _cross(canvas: Canvas, place: Place, angle: float, size: float, mark: Paint) -> None:
    canvas.box(place, angle, (size * 0.85, size * 0.25), mark)
    canvas.box(place, angle + math.pi / 2, (size * 0.85, size * 0.25), mark)


def _moved(canvas: Canvas, place: Place, angle: float, metres: float) -> Place:
    reach = metres * canvas.metre
    return place[0] + math.cos(angle) * reach, place[1] + math.sin(angle) * reach


def _star(canvas: Canvas, place: Place, angle: float, radius: float, points: int) -> Points:
    turn = angle + np.linspace(0, 2 * math.pi, points, endpoint=False)
    reach = radius * canvas.metre
    return np.stack((place[0] + np.cos(turn) * reach, place[1] + np.sin(turn) * reach), axis=1)


def _area(canvas: Canvas, feature: Feature) -> None:
    found = visible_tag(feature)
    if found is None:
        return
    look = emblem_of(found[0], found[1])
    tone = 0.95 + 0.1 * feature.uniform("tone")
    base, mark = (
        paint(brighter(look.ground, tone), "yard"),
        paint(brighter(look.mark, tone), "concrete"),
    )
    spacing = look.spacing * max(0.5, min(found[2], 6.0))
    if look.pattern == 0:
        motif = motifs.stripes(base, mark, 0.35)
    elif look.pattern == 1:
        motif = motifs.lattice(base, mark, (0.2, 0.2))
    elif look.pattern == 2:
        motif = motifs.blocks(base, mark, (0.55, 0.45), paint((60, 62, 64)))
    else:
        motif = motifs.dots(base, mark, paint((60, 62, 64)), 0.28)
    if spacing * canvas.metre >= 3:
        canvas.motif(feature.parts, feature.frame, motif, (spacing, spacing))
    else:
        canvas.fill(feature.parts, base)
    draw_emblem(
        canvas,
        feature.centre,
        feature.frame.angle,
        min(found[2] * _PIXELS, feature.frame.width / canvas.metre * 0.5),
        look,
    )


def _line(canvas: Canvas, feature: Feature) -> None:
    found = visible_tag(feature)
    if found is None:
        return
    look = emblem_of(found[0], found[1])
    width = min(max(0.5, 2.5 * found[2]), 12.0)
    for line in feature.parts:
        canvas.line(line, width, paint(look.ground))
        for x, y in canvas.stations(line, look.spacing).place.tolist():
            canvas.disc((x, y), width * 0.38, paint(look.mark))


def _point(canvas: Canvas, feature: Feature) -> None:
    found = visible_tag(feature)
    if found is None:
        return
    size = min(max(0.7, found[2] * _PIXELS), 40.0)
    look = emblem_of(found[0], found[1])
    draw_emblem(canvas, feature.centre, look.turn, size, look)


def _point_shadow(canvas: Canvas, feature: Feature) -> None:
    found = visible_tag(feature)
    if found is not None:
        canvas.cast_disc(feature.centre, min(found[2] * _PIXELS / 2, 4.0), min(found[2] * 4, 3.0))


_LOOKS: tuple[Look, Look, Look] = (
    (Pass(Layer.CAST, _point_shadow), Pass(Layer.TALL, _point, -1)),
    (Pass(Layer.LOW, _line),),
    (Pass(Layer.GROUND, _area),),
)


def look_of(feature: Feature) -> Look:
    """Give the look of an object that has none by name; empty if it cannot be seen."""
    return _LOOKS[feature.dimension] if visible_tag(feature) is not None else ()
