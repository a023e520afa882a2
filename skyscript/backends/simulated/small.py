"""Small things: benches, bins, shelters, play equipment, walls, fences, stands."""

from __future__ import annotations

import math

import numpy as np

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.materials import paint
from skyscript.backends.simulated.things import THINGS, WOOD, Thing
from skyscript.backends.simulated.values import Colour, brighter, colour, first, number


def _thing(thing: Thing) -> Look:
    def shadow(canvas: Canvas, feature: Feature) -> None:
        canvas.cast_pole(feature.centre, thing.height, min(thing.sides))

    def draw(canvas: Canvas, feature: Feature) -> None:
        tint = colour(feature.tags.get("colour", "")) or thing.tint
        angle = feature.frame.angle if feature.is_area else feature.uniform("turn") * math.pi
        x, y = feature.centre
        if feature.is_area:
            canvas.fill(feature.parts, paint(tint))
        else:
            canvas.box((x, y), angle, thing.sides, paint(tint))
        cos, sin = math.cos(angle) * canvas.metre, math.sin(angle) * canvas.metre
        for u, v, along, across, part in thing.boxes:
            canvas.box(
                (x + u * cos - v * sin, y + u * sin + v * cos), angle, (along, across), paint(part)
            )

    return Pass(Layer.CAST, shadow), Pass(Layer.TALL, draw, -2)


_WALLS: dict[str, tuple[float, float, Colour]] = {
    "wall": (0.5, 2.0, (182, 174, 162)),
    "retaining_wall": (0.6, 1.5, (164, 160, 152)),
    "city_wall": (3.0, 8.0, (176, 160, 136)),
    "fence": (0.16, 1.4, (150, 146, 136)),
    "guard_rail": (0.3, 0.8, (206, 208, 210)),
    "jersey_barrier": (0.6, 0.9, (206, 202, 194)),
    "handrail": (0.12, 1.0, (120, 124, 130)),
    "kerb": (0.25, 0.1, (206, 202, 194)),
    "ditch": (1.6, 0.0, (92, 98, 70)),
    "cable_barrier": (0.15, 0.8, (160, 162, 166)),
    "chain": (0.12, 0.7, (110, 112, 116)),
    "citywalls": (3.0, 8.0, (176, 160, 136)),
}


def _wall(canvas: Canvas, feature: Feature) -> None:
    kind = first(feature.tags, "barrier") or first(feature.tags, "historic")
    width, tall, tint = _WALLS.get(kind, _WALLS["wall"])
    width = number(feature.tags, "width", width, 0.05, 20)
    tall = number(feature.tags, "height", tall, 0, 40)
    tint = colour(feature.tags.get("colour", "")) or tint
    if first(feature.tags, "wall") == "dry_stone":
        tint = (138, 134, 126)
    elif first(feature.tags, "fence_type") in ("wood", "split_rail", "pole"):
        tint = WOOD
    lines = (
        [np.concatenate((p, p[:1])) for p in feature.parts] if feature.is_area else feature.parts
    )
    if feature.is_area and width > 0.4:
        canvas.fill(feature.parts, paint(tint, "concrete"))
        return
    for line in lines:
        canvas.cast_line(
            line + canvas.thrown(tall) / 2, max(width, tall * canvas.light.stretch * 0.7)
        )
        canvas.line(line, width, paint(tint, "concrete"))


def _playground(canvas: Canvas, feature: Feature) -> None:
    """Draw sand or rubber with slides, swings and a climbing frame in loud colours."""
    rubber = first(feature.tags, "surface") in ("tartan", "rubber", "rubbercrumb")
    base = paint((178, 84, 70), "rubber") if rubber else paint((214, 190, 142), "sand")
    frame = feature.frame if feature.is_area else None
    length = frame.length / canvas.metre if frame else 16.0
    width = frame.width / canvas.metre if frame else 11.0
    angle = frame.angle if frame else feature.uniform("turn") * math.pi
    if feature.is_area:
        canvas.fill(feature.parts, base)
    else:
        canvas.box(feature.centre, angle, (length, width), base)
    kit = ("slide", "swing", "structure", "seesaw", "roundabout", "climbingframe")
    count = min(10, max(3, round(length * width / 70)))
    cos, sin = math.cos(angle) * canvas.metre, math.sin(angle) * canvas.metre
    for index in range(count):
        thing = THINGS["playground", kit[index % len(kit)]]
        u = (feature.uniform(f"u{index}") - 0.5) * length * 0.72
        v = (feature.uniform(f"v{index}") - 0.5) * width * 0.66
        x, y = feature.centre[0] + u * cos - v * sin, feature.centre[1] + u * sin + v * cos
        turn = feature.uniform(f"t{index}") * math.pi
        dx, dy = canvas.thrown(thing.height)
        canvas.box((x + dx / 2, y + dy / 2), turn, thing.sides, paint(brighter(base[:3], 0.55)))
        canvas.box((x, y), turn, thing.sides, paint(thing.tint))
        for bu, bv, along, across, part in thing.boxes:
            c, s = math.cos(turn) * canvas.metre, math.sin(turn) * canvas.metre
            canvas.box(
                (x + bu * c - bv * s, y + bu * s + bv * c), turn, (along, across), paint(part)
            )


def _bleachers(canvas: Canvas, feature: Feature) -> None:
    rows = motifs.stripes(paint((190, 194, 198), "metal"), paint((110, 114, 120), "metal"), 0.4)
    canvas.motif(feature.parts, feature.frame, rows, (8, 1.4))


def _stadium(canvas: Canvas, feature: Feature) -> None:
    """Draw stands around a pitch that other objects draw."""
    x, y = feature.frame.x, feature.frame.y
    canvas.fill(feature.parts, paint((176, 174, 170), "concrete"))
    for share, tint in (
        (0.92, (150, 60, 60)),
        (0.84, (196, 196, 194)),
        (0.76, (84, 104, 150)),
        (0.68, (110, 150, 76)),
    ):
        canvas.fill(
            [(feature.outline - (x, y)) * share + (x, y)],
            paint(tint, "concrete" if share > 0.7 else "lawn"),
        )


def _maze(canvas: Canvas, feature: Feature) -> None:
    """Draw rings of hedge with gaps."""
    x, y = feature.frame.x, feature.frame.y
    canvas.fill(feature.parts, paint((206, 190, 154), "gravel"))
    for step in range(8):
        ring = (feature.outline - (x, y)) * (1 - step / 8) + (x, y)
        canvas.ring(ring, 1.1, paint((56, 92, 46), "bushes"))


def _tables() -> tuple[Looks, Looks]:
    points: Looks = {}
    for (key, value), thing in THINGS.items():
        points.setdefault(key, {})[value] = _thing(thing)
    areas = {key: dict(values) for key, values in points.items()}
    for key, value in (
        ("tourism", "viewpoint"),
        ("natural", "stone"),
        ("natural", "rock"),
        ("historic", "ruins"),
    ):
        areas[key].pop(value, None)
    areas.pop("highway")
    return points, areas


_WALL: Look = (Pass(Layer.CAST, _wall),)
_PLAY: Look = (Pass(Layer.COURT, _playground),)
POINTS, AREAS = _tables()
POINTS["leisure"]["playground"] = _PLAY
AREAS["leisure"] |= {
    "playground": _PLAY,
    "bleachers": (Pass(Layer.COURT, _bleachers, 1),),
    "stadium": (Pass(Layer.GROUND, _stadium, 2),),
}
AREAS.setdefault("attraction", {})["maze"] = (Pass(Layer.COURT, _maze),)
AREAS["barrier"] |= dict.fromkeys(_WALLS, _WALL)
LINES: Looks = {
    "barrier": dict.fromkeys(_WALLS, _WALL),
    "historic": {"citywalls": _WALL},
}
