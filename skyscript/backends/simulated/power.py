"""Electricity: lines on poles and towers, substations, wind turbines, fields of panels."""

from __future__ import annotations

import math

import numpy as np

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.lines import parallel
from skyscript.backends.simulated.materials import paint, tone
from skyscript.backends.simulated.rooftops import panels
from skyscript.backends.simulated.values import first, number

_WIRE = paint((72, 72, 76))
_STEEL = paint((168, 172, 176), "metal")


def _wires(canvas: Canvas, feature: Feature) -> None:
    """Draw conductors side by side: as many as the tag ``cables`` says, three or one if none."""
    minor = first(feature.tags, "power") != "line"
    count = round(number(feature.tags, "cables", 1 if minor else 3, 1, 12))
    gap = 1.0 if minor else 4.0
    for line in feature.parts:
        for index in range(count):
            side = (index - (count - 1) / 2) * gap * canvas.metre
            canvas.line(parallel(line, side), 0.18, _WIRE)


def _wire_shadow(canvas: Canvas, feature: Feature) -> None:
    lift = 7.0 if first(feature.tags, "power") != "line" else 18.0
    for line in feature.parts:
        canvas.cast_line(line, 0.2, lift)


def _tower(canvas: Canvas, feature: Feature) -> None:
    """Draw a lattice tower: four feet, cross-arms."""
    angle, _ = (0.5 + feature.uniform("turn"), 0)
    x, y = feature.centre
    for dx in (-2.6, 2.6):
        for dy in (-2.6, 2.6):
            canvas.line(
                np.array([(x, y), (x + dx * canvas.metre, y + dy * canvas.metre)]), 0.3, _STEEL
            )
            canvas.disc((x + dx * canvas.metre, y + dy * canvas.metre), 0.5, paint((196, 194, 188)))
    for step in (-1.5, 0.0, 1.5):
        at = (x + math.sin(angle) * step * canvas.metre, y - math.cos(angle) * step * canvas.metre)
        canvas.box(at, angle, (13.0 - abs(step) * 3, 0.4), _STEEL)


def _tower_shadow(canvas: Canvas, feature: Feature) -> None:
    tall = number(feature.tags, "height", 32, 4, 250)
    canvas.cast_pole(feature.centre, tall, 0.9)
    x, y = feature.centre
    for share in (0.75, 0.87):
        dx, dy = canvas.thrown(tall * share)
        arm = np.array([(-6.0, 2.0), (6.0, -2.0)]) * canvas.metre + (x + dx, y + dy)
        canvas.cast_line(arm, 0.5)


def _pole(canvas: Canvas, feature: Feature) -> None:
    canvas.disc(feature.centre, 0.35, paint((150, 124, 96)))
    canvas.box(feature.centre, feature.uniform("turn") * math.pi, (2.0, 0.2), paint((110, 90, 72)))


def _pole_shadow(canvas: Canvas, feature: Feature) -> None:
    canvas.cast_pole(feature.centre, number(feature.tags, "height", 9, 2, 60), 0.4)


def _turbine(canvas: Canvas, feature: Feature) -> None:
    """Draw a wind turbine on its pad: nacelle, three blades."""
    x, y = feature.centre
    reach = number(feature.tags, "rotor:diameter", 80, 2, 260) / 2
    canvas.disc((x, y), min(9.0, reach * 0.25), paint((196, 190, 176), "gravel"))
    canvas.disc((x, y), max(0.6, reach * 0.05), paint((240, 242, 244)))
    turn = feature.uniform("blades") * 2 * math.pi / 3
    for blade in range(3):
        angle = turn + blade * 2 * math.pi / 3
        # the rotor stands upright: from above its disc is a narrow ellipse
        tip = (
            x + math.cos(angle) * reach * canvas.metre,
            y + math.sin(angle) * 0.45 * reach * canvas.metre,
        )
        canvas.line(np.array([(x, y), tip]), max(0.5, reach * 0.045), paint((246, 248, 250)))


def _turbine_shadow(canvas: Canvas, feature: Feature) -> None:
    reach = number(feature.tags, "rotor:diameter", 80, 2, 260) / 2
    tall = number(
        feature.tags, "height:hub", number(feature.tags, "height", reach * 2.2, 3, 250), 3, 250
    )
    canvas.cast_pole(feature.centre, tall, max(0.8, reach * 0.07))
    hub = np.array(feature.centre) + canvas.thrown(tall)
    turn = feature.uniform("blades") * 2 * math.pi / 3
    for blade in range(3):
        angle = turn + blade * 2 * math.pi / 3
        tip = hub + np.array([math.cos(angle), math.sin(angle)]) * reach * canvas.metre
        canvas.cast_line(np.stack((hub, tip)), max(0.6, reach * 0.05))


def _solar(canvas: Canvas, feature: Feature) -> None:
    """Draw panels: rows on grass in a field, one surface where the object is a roof's size."""
    if not feature.is_area:
        angle = feature.uniform("turn") * math.pi
        canvas.box(feature.centre, angle, (6.4, 4.2), paint((150, 158, 170), "metal"))
        for row in (-1.35, 0.0, 1.35):
            x, y = feature.centre
            at = (
                x - math.sin(angle) * row * canvas.metre,
                y + math.cos(angle) * row * canvas.metre,
            )
            canvas.box(at, angle, (6.2, 1.2), paint((38, 52, 98), "glass"))
        return
    if feature.size < 900 * canvas.metre**2:
        panels(canvas, feature)
        return
    grass = paint(tone("grass", canvas.light.season), "grass")
    rows = motifs.stripes(grass, paint((40, 54, 100), "glass"), 0.58)
    rows[15:17] = paint((66, 76, 74))
    frame = feature.frame._replace(angle=0.0)  # rows face the equator
    canvas.motif(feature.parts, frame, rows, (12, 6.5))


def _generator(canvas: Canvas, feature: Feature) -> None:
    source = first(feature.tags, "generator:source")
    if source == "solar":
        _solar(canvas, feature)
    elif source == "wind":
        _turbine(canvas, feature)
    else:
        canvas.box(feature.centre, 0.0, (5, 3.4), paint((150, 160, 150), "metal"))


def _generator_shadow(canvas: Canvas, feature: Feature) -> None:
    if first(feature.tags, "generator:source") == "wind":
        _turbine_shadow(canvas, feature)


def _plant(canvas: Canvas, feature: Feature) -> None:
    source = first(feature.tags, "plant:source")
    if source == "solar":
        _solar(canvas, feature)
        return
    tint = {"wind": (146, 152, 100), "hydro": (150, 152, 144), "nuclear": (176, 172, 166)}.get(
        source, (140, 134, 128)
    )
    canvas.fill(feature.parts, paint(tint, "yard"))


def _substation(canvas: Canvas, feature: Feature) -> None:
    """Draw transformers and bus-bars on gravel inside a fence."""
    base = paint((184, 180, 172), "gravel")
    if not feature.is_area:
        canvas.box(feature.centre, 0.2, (6, 5), base)
        canvas.box(feature.centre, 0.2, (3.4, 2.4), paint((120, 136, 122), "metal"))
        return
    motif = motifs.blocks(base, paint((112, 126, 118), "metal"), (0.34, 0.3), paint((84, 84, 84)))
    motif[3:5] = _STEEL
    canvas.motif(feature.parts, feature.frame, motif, (10, 8))
    for ring in feature.parts:
        canvas.ring(ring, 0.35, paint((96, 98, 100)))


_LINE: Look = (Pass(Layer.CAST, _wire_shadow), Pass(Layer.WIRE, _wires))
_TOWER: Look = (Pass(Layer.CAST, _tower_shadow), Pass(Layer.TALL, _tower))
_POLE: Look = (Pass(Layer.CAST, _pole_shadow), Pass(Layer.TALL, _pole))
_GENERATOR: Look = (Pass(Layer.CAST, _generator_shadow), Pass(Layer.TALL, _generator, -1))
_TURBINE: Look = (Pass(Layer.CAST, _turbine_shadow), Pass(Layer.TALL, _turbine))
_SUBSTATION: Look = (Pass(Layer.COURT, _substation),)

POINTS: Looks = {
    "power": {
        "tower": _TOWER,
        "pole": _POLE,
        "portal": _TOWER,
        "generator": _GENERATOR,
        "wind_turbine": _TURBINE,
        "substation": _SUBSTATION,
        "transformer": _SUBSTATION,
    },
    "generator:source": {"*": _GENERATOR},
}
LINES: Looks = {"power": {"line": _LINE, "minor_line": _LINE, "cable": ()}}
AREAS: Looks = {
    "power": {
        "generator": _GENERATOR,
        "plant": (Pass(Layer.GROUND, _plant, 3),),
        "solar_farm": (Pass(Layer.GROUND, _solar, 3),),
        "wind_turbine": _TURBINE,
        "substation": _SUBSTATION,
        "sub_station": _SUBSTATION,
        "station": _SUBSTATION,
        "transformer": _SUBSTATION,
    },
    "generator:source": {"*": _GENERATOR},
}
