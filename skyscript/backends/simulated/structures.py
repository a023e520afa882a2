"""What is built and is no house: tanks, towers, masts, power lines, wind and sun, walls, ruins."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.layers import Draw, Layer, Look, Looks, Pass
from skyscript.backends.simulated.materials import paint
from skyscript.backends.simulated.rooftops import crane
from skyscript.backends.simulated.values import Colour, brighter, colour, number


class Upright(NamedTuple):
    """A round or square thing that stands up: seen from above, and by its shadow."""

    tint: Colour
    top: Colour
    radius: float
    height: float
    form: str = "disc"
    """disc, ring, dome, cone, square or lattice."""


UPRIGHTS = {
    "silo": Upright((206, 208, 206), (232, 234, 234), 4.0, 18, "cone"),
    "storage_tank": Upright((226, 228, 226), (238, 240, 238), 9.0, 11, "ring"),
    "tank": Upright((214, 216, 214), (232, 232, 230), 6.0, 8, "ring"),
    "gasometer": Upright((110, 134, 128), (138, 160, 152), 20.0, 30, "dome"),
    "water_tower": Upright((200, 206, 212), (226, 230, 234), 6.5, 32, "dome"),
    "chimney": Upright((150, 98, 82), (44, 40, 40), 2.2, 55, "ring"),
    "stack": Upright((160, 150, 146), (44, 40, 40), 2.4, 60, "ring"),
    "cooling_tower": Upright((206, 204, 198), (92, 94, 96), 28.0, 90, "ring"),
    "tower": Upright((176, 170, 162), (206, 200, 192), 3.4, 34, "square"),
    "communications_tower": Upright((206, 206, 208), (226, 80, 60), 6.0, 120, "ring"),
    "mast": Upright((196, 70, 58), (240, 240, 238), 1.4, 42, "lattice"),
    "antenna": Upright((206, 206, 208), (150, 152, 156), 2.6, 12, "ring"),
    "telescope": Upright((240, 242, 244), (214, 218, 222), 7.0, 12, "dome"),
    "satellite_dish": Upright((240, 242, 244), (190, 194, 198), 5.0, 6, "dome"),
    "observatory": Upright((240, 242, 244), (206, 212, 218), 6.0, 9, "dome"),
    "lighthouse": Upright((206, 52, 46), (244, 244, 242), 3.4, 30, "ring"),
    "windmill": Upright((146, 112, 84), (96, 72, 56), 4.4, 18, "cone"),
    "watermill": Upright((150, 122, 92), (110, 88, 68), 4.0, 8, "square"),
    "obelisk": Upright((206, 200, 188), (236, 232, 224), 1.6, 22, "square"),
    "beacon": Upright((60, 140, 90), (240, 240, 236), 1.6, 9, "ring"),
    "flagpole": Upright((232, 232, 232), (206, 46, 46), 0.5, 10),
    "utility_pole": Upright((122, 96, 72), (150, 122, 96), 0.4, 9),
    "pillar": Upright((196, 190, 180), (226, 220, 210), 0.7, 5, "square"),
    "cross": Upright((150, 122, 92), (176, 150, 120), 0.7, 6, "square"),
    "maypole": Upright((70, 120, 190), (240, 240, 240), 0.7, 16),
    "kiln": Upright((170, 104, 80), (120, 76, 62), 4.0, 8, "dome"),
    "dovecote": Upright((206, 190, 160), (150, 104, 80), 2.6, 7, "cone"),
    "offshore_platform": Upright((226, 190, 60), (90, 94, 100), 28.0, 30, "square"),
    "reservoir_covered": Upright((128, 150, 90), (108, 132, 78), 14.0, 2, "ring"),
    "bunker_silo": Upright((150, 146, 138), (92, 84, 70), 12.0, 2, "square"),
    "cairn": Upright((150, 146, 140), (176, 172, 166), 1.2, 2, "cone"),
    "water_well": Upright((150, 146, 140), (52, 66, 74), 1.1, 1, "ring"),
    "street_cabinet": Upright((150, 156, 150), (176, 180, 176), 0.6, 1.4, "square"),
    "petroleum_well": Upright((92, 84, 76), (206, 160, 60), 4.0, 3, "square"),
    "wind_pump": Upright((150, 154, 158), (206, 208, 210), 2.4, 12, "lattice"),
    "campanile": Upright((196, 150, 110), (160, 104, 80), 3.4, 30, "square"),
    "minaret": Upright((226, 224, 214), (110, 150, 130), 2.2, 30, "ring"),
    "wayside_cross": Upright((150, 144, 136), (190, 184, 176), 0.6, 3, "square"),
    "monument": Upright((206, 200, 190), (170, 164, 154), 4.0, 8, "square"),
    "memorial": Upright((190, 184, 176), (150, 144, 136), 1.4, 3, "square"),
    "tumulus": Upright((120, 140, 78), (150, 166, 96), 12.0, 4, "dome"),
    "bunker": Upright((142, 144, 130), (110, 118, 92), 6.0, 2, "square"),
    "artwork": Upright((206, 150, 60), (240, 206, 120), 1.3, 3, "cone"),
    "big_wheel": Upright((206, 66, 120), (240, 240, 240), 10.0, 40, "wheel"),
    "carousel": Upright((226, 190, 70), (206, 60, 60), 6.0, 5, "cone"),
    "roller_coaster": Upright((206, 60, 60), (240, 240, 240), 6.0, 14, "ring"),
    "drop_tower": Upright((96, 70, 160), (240, 200, 60), 4.0, 40, "square"),
    "gas_flare": Upright((60, 60, 60), (250, 160, 40), 1.6, 30, "ring"),
}


def _span(canvas: Canvas, feature: Feature, upright: Upright) -> float:
    if feature.is_area:
        return math.sqrt(feature.size / math.pi) / canvas.metre
    return number(feature.tags, "diameter", upright.radius * 2, 0.2, 150) / 2


def _upright(upright: Upright) -> Look:
    """Give the passes of a thing that stands up."""

    def shadow(canvas: Canvas, feature: Feature) -> None:
        tall = number(feature.tags, "height", upright.height, 0.2, 500)
        radius = _span(canvas, feature, upright)
        if upright.form == "lattice":
            canvas.cast_pole(feature.centre, tall, max(0.5, radius * 0.5))
        elif upright.form == "wheel":
            canvas.cast_disc(feature.centre, radius, tall / 2)
        else:
            canvas.cast_pole(feature.centre, tall, radius * (1.0 if tall > 4 * radius else 2.0))
            if upright.form != "square":
                canvas.cast_disc(feature.centre, radius, tall)

    def draw(canvas: Canvas, feature: Feature) -> None:
        tint = colour(feature.tags.get("colour", "")) or upright.tint
        radius = _span(canvas, feature, upright)
        _FORMS[upright.form](canvas, feature, radius, tint, upright.top)

    return Pass(Layer.CAST, shadow), Pass(Layer.TALL, draw)


def _disc(canvas: Canvas, feature: Feature, radius: float, tint: Colour, top: Colour) -> None:
    canvas.disc(feature.centre, radius, paint(tint))
    canvas.disc(feature.centre, radius * 0.5, paint(top))


def _ring(canvas: Canvas, feature: Feature, radius: float, tint: Colour, top: Colour) -> None:
    canvas.disc(feature.centre, radius, paint(tint, "metal"))
    canvas.disc(feature.centre, radius * 0.84, paint(top, "metal"))
    canvas.circle(feature.centre, radius * 0.5, radius * 0.05, paint(tint, "metal"))
    canvas.box(feature.centre, 0.6, (radius * 1.7, radius * 0.06), paint(tint, "metal"))


def _dome(canvas: Canvas, feature: Feature, radius: float, tint: Colour, top: Colour) -> None:
    (x, y), (dx, dy) = feature.centre, canvas.light.away
    for step in range(7):
        off = radius * canvas.metre * 0.5 * step / 7
        part = paint(brighter(top if step > 4 else tint, 0.72 + 0.09 * step), "metal")
        canvas.disc((x - dx * off, y - dy * off), radius * (1 - step / 7), part)


def _cone(canvas: Canvas, feature: Feature, radius: float, tint: Colour, top: Colour) -> None:
    (x, y), (dx, dy) = feature.centre, canvas.light.away
    for wedge in range(12):
        turn = np.array([wedge, wedge + 1]) * math.pi / 6
        rim = np.stack((np.cos(turn), np.sin(turn)), axis=1) * radius * canvas.metre + (x, y)
        middle = turn.mean()
        lit = -(math.cos(middle) * dx + math.sin(middle) * dy)
        part = paint(brighter(tint, 1 + 0.26 * lit), "metal")
        canvas.convex(np.concatenate((rim, [(x, y)])), part)
    canvas.disc((x, y), radius * 0.16, paint(top))


def _square(canvas: Canvas, feature: Feature, radius: float, tint: Colour, top: Colour) -> None:
    angle = feature.frame.angle if feature.is_area else feature.uniform("turn") * math.pi
    if feature.is_area:
        canvas.fill(feature.parts, paint(tint, "concrete"))
    else:
        canvas.box(feature.centre, angle, (radius * 2, radius * 2), paint(tint, "concrete"))
    canvas.box(feature.centre, angle, (radius * 1.15, radius * 1.15), paint(top, "concrete"))


def _lattice(canvas: Canvas, feature: Feature, radius: float, tint: Colour, top: Colour) -> None:
    canvas.box(feature.centre, 0.4, (radius * 2, radius * 2), paint(tint))
    canvas.box(feature.centre, 0.4, (radius * 1.5, radius * 1.5), paint((120, 120, 110)))
    for turn in (0.4 + math.pi / 4, 0.4 - math.pi / 4):
        canvas.box(feature.centre, turn, (radius * 2.6, radius * 0.22), paint(top))


def _wheel(canvas: Canvas, feature: Feature, radius: float, tint: Colour, top: Colour) -> None:
    """Draw a big wheel: a narrow rim seen on its edge, with gondolas."""
    angle = feature.uniform("turn") * math.pi
    canvas.box(feature.centre, angle, (radius * 2, 2.6), paint(top))
    for step in range(-4, 5):
        reach = radius * canvas.metre * step / 4.3
        place = (
            feature.centre[0] + math.cos(angle) * reach,
            feature.centre[1] + math.sin(angle) * reach,
        )
        canvas.disc(place, 1.3, paint(tint))


_FORMS = {
    "disc": _disc,
    "ring": _ring,
    "dome": _dome,
    "cone": _cone,
    "square": _square,
    "lattice": _lattice,
    "wheel": _wheel,
}


def _crane(canvas: Canvas, feature: Feature) -> None:
    crane(canvas, feature.centre, feature.uniform("crane") * math.pi)


def _pipeline(canvas: Canvas, feature: Feature) -> None:
    width = number(feature.tags, "diameter", 0.9, 0.05, 5)
    for line in feature.parts:
        canvas.cast_line(line, width, 0.8)
        canvas.line(line, width, paint((206, 208, 206), "metal"))
        for place in canvas.stations(line, 12.0).place.tolist():
            canvas.disc((place[0], place[1]), width * 0.8, paint((120, 122, 124)))


def _bank(canvas: Canvas, feature: Feature) -> None:
    """Draw a dyke, an embankment or a cutting: a lit and a shaded slope."""
    for line in feature.parts:
        canvas.line(line, 9.0, paint((92, 108, 66), "grass"))
        canvas.line(line - canvas.thrown(1.6), 5.0, paint((150, 164, 100), "grass"))
        canvas.line(line, 2.0, paint((164, 156, 120), "soil"))


def _cliff(canvas: Canvas, feature: Feature) -> None:
    for line in feature.parts:
        canvas.line(line, 6.0, paint((150, 142, 132), "rock"))
        canvas.line(line + canvas.thrown(1.0), 2.4, paint((82, 78, 74), "rock"))


def _works(tint: Colour, mark: Colour) -> Draw:
    """Give what draws a yard of machines on gravel."""

    def draw(canvas: Canvas, feature: Feature) -> None:
        base, part = paint(tint, "gravel"), paint(mark, "metal")
        if not feature.is_area:
            canvas.box(feature.centre, 0.0, (7, 6), base)
            canvas.box(feature.centre, 0.0, (4, 2.4), part)
            return
        motif = motifs.blocks(base, part, (0.4, 0.34), paint((70, 70, 72)))
        canvas.motif(feature.parts, feature.frame, motif, (9, 7))
        for ring in feature.parts:
            canvas.ring(ring, 0.3, paint((90, 92, 94)))

    return draw


def _covered_bridge(canvas: Canvas, feature: Feature) -> None:
    canvas.fill(feature.parts, paint((200, 198, 192), "concrete"))
    for ring in feature.parts:
        canvas.ring(ring, 0.6, paint((236, 234, 228)))


def _bridge_shadow(canvas: Canvas, feature: Feature) -> None:
    shift = canvas.thrown(5.0)
    canvas.fill([ring + shift for ring in feature.parts], paint((58, 62, 62)))


_STANDS = {name: _upright(upright) for name, upright in UPRIGHTS.items()}
_CRANE: Look = (Pass(Layer.TALL, _crane),)
_BANK: Look = (Pass(Layer.GROUND, _bank, 9),)
_YARD: Look = (Pass(Layer.LOW, _works((166, 162, 154), (110, 122, 120))),)
_ATTRACTIONS = ("big_wheel", "carousel", "roller_coaster", "drop_tower")
_MAN_MADE = tuple(
    name
    for name in UPRIGHTS
    if name
    not in (*_ATTRACTIONS, "wayside_cross", "monument", "memorial", "tumulus", "bunker", "artwork")
)

_COMMON: Looks = {
    "man_made": {name: _STANDS[name] for name in _MAN_MADE} | {"crane": _CRANE},
    "attraction": {name: _STANDS[name] for name in _ATTRACTIONS},
    "historic": {name: _STANDS[name] for name in ("wayside_cross", "monument", "memorial")},
    "military": {"bunker": _STANDS["bunker"]},
    "tourism": {"artwork": _STANDS["artwork"]},
    "archaeological_site": {"tumulus": _STANDS["tumulus"]},
    "site_type": {"tumulus": _STANDS["tumulus"]},
}
POINTS: Looks = _COMMON
AREAS: Looks = {
    **_COMMON,
    "man_made": {
        **_COMMON["man_made"],
        "works": (Pass(Layer.GROUND, _works((150, 144, 138), (120, 128, 134)), 2),),
        "bridge": (
            Pass(Layer.BRIDGE_EDGE, _bridge_shadow, -2),
            Pass(Layer.BRIDGE_EDGE, _covered_bridge, -1),
        ),
        "pumping_station": _YARD,
    },
}
LINES: Looks = {
    "man_made": {
        "pipeline": (Pass(Layer.CAST, _pipeline),),
        "embankment": _BANK,
        "dyke": _BANK,
        "cutting": _BANK,
    },
    "natural": {
        "cliff": (Pass(Layer.GROUND, _cliff, 9),),
        "earth_bank": _BANK,
        "ridge": (),
        "arete": (),
        "valley": (),
        "coastline": (),
    },
    "embankment": {"*": _BANK},
}
