"""Sport: pitches with the lines of their game, tracks, arenas."""

from __future__ import annotations

import math

import numpy as np

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.arenas import SPECIAL, skate, to_pixels
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.courts import COURTS, GROUNDS, Court
from skyscript.backends.simulated.features import Feature, Frame, Points
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.materials import Paint, paint
from skyscript.backends.simulated.surfaces import SURFACES
from skyscript.backends.simulated.values import Colour, brighter, first

_WHITE = paint((240, 240, 236))
_LINE = 0.16
_MOST_COURTS = 12
_TURF = ("pitch grass",)


def pitch(canvas: Canvas, feature: Feature) -> None:
    """Draw a pitch: its surface, then its game's lines, as often as courts fit in."""
    sport = first(feature.tags, "sport")
    court = COURTS.get(sport, Court((60, 40), (), _TURF))
    ground, material = _ground(feature, court)
    base = paint(brighter(ground, 0.95 + 0.1 * feature.uniform("tone")), material)
    frame = feature.frame if feature.is_area else _default_frame(canvas, feature, court)
    if feature.is_area:
        _grounds(canvas, feature, frame, base)
    else:
        canvas.box(feature.centre, frame.angle, court.sides, base)
    if canvas.metre < 0.6:
        return
    special = SPECIAL.get(sport)
    if special is not None:
        special(canvas, feature, frame)
    for part in _courts(canvas, frame, court):
        if court.inner != 1:
            _inner(canvas, part, court, base)
        _lines(canvas, part, court)


def _ground(feature: Feature, court: Court) -> tuple[Colour, str]:
    surface = first(feature.tags, "surface")
    if surface in GROUNDS:
        return GROUNDS[surface]
    if surface in SURFACES:
        return SURFACES[surface]
    name = court.surfaces[int(feature.uniform("surface") * len(court.surfaces))]
    return GROUNDS[name] if name in GROUNDS else SURFACES[name]


def _default_frame(canvas: Canvas, feature: Feature, court: Court) -> Frame:
    angle = feature.uniform("turn") * math.pi
    return Frame(
        *feature.centre, angle, court.sides[0] * canvas.metre, court.sides[1] * canvas.metre
    )


def _grounds(canvas: Canvas, feature: Feature, frame: Frame, base: Paint) -> None:
    """Fill a pitch; turf is mown in bands."""
    mown = paint(brighter(base[:3], 0.9), "lawn")
    if base[3] == mown[3] and frame.width > 30 * canvas.metre:
        across = frame._replace(angle=frame.angle + math.pi / 2)
        canvas.motif(feature.parts, across, motifs.stripes(base, mown, 0.5), (30, 11))
    else:
        canvas.fill(feature.parts, base)


def _courts(canvas: Canvas, frame: Frame, court: Court) -> list[Frame]:
    """Give the frames of the courts: one in the middle, or rows of them where several fit."""
    length, width = frame.length / canvas.metre, frame.width / canvas.metre
    if not court.lines or min(length, width) < 3:
        return []
    options = []
    for turn, (along, across) in ((0.0, court.sides), (90.0, court.sides[::-1])):
        columns, rows = round(length / along - 0.12), round(width / across - 0.12)
        waste = abs(length - max(columns, 1) * along) + abs(width - max(rows, 1) * across)
        options.append((waste, turn, max(columns, 1), max(rows, 1)))
    _, turn, columns, rows = min(options)
    result = []
    for column in range(min(columns, _MOST_COURTS)):
        for row in range(min(rows, _MOST_COURTS)):
            u = ((column + 0.5) / columns - 0.5) * frame.length
            v = ((row + 0.5) / rows - 0.5) * frame.width
            x, y = to_pixels(np.array([(u, v)]), frame, 1.0)[0].tolist()
            part = Frame(x, y, frame.angle, frame.length / columns, frame.width / rows)
            if turn:
                part = Frame(x, y, frame.angle + math.pi / 2, part.width, part.length)
            result.append(part)
    return result


def _scale(canvas: Canvas, frame: Frame, court: Court) -> float:
    """Give pixels a metre of the court: less than the ground's where the place is too small."""
    return min(
        canvas.metre,
        frame.length / (court.sides[0] + 2 * court.margin * 0.3),
        frame.width / (court.sides[1] + 2 * court.margin * 0.3),
    )


def _shape(words: list[str]) -> Points:
    kind, *numbers = words
    values = [float(number) for number in numbers]
    if kind == "line":
        return np.array(values).reshape(2, 2)
    if kind == "rect":
        x0, y0, x1, y1 = values
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
    x, y, radius = values[:3]
    start, end = (0.0, 360.0) if kind == "circle" else values[3:]
    turn = np.radians(np.linspace(start, end, 33))
    return np.stack((x + radius * np.cos(turn), y + radius * np.sin(turn)), axis=1)


def _lines(canvas: Canvas, frame: Frame, court: Court) -> None:
    ink = paint(court.ink)
    scale = _scale(canvas, frame, court)
    for text in court.lines:
        shape = _shape(text.lstrip("*").split())
        canvas.line(to_pixels(shape, frame, scale), _LINE, ink)
        if text.startswith("*"):
            canvas.line(to_pixels(-shape, frame, scale), _LINE, ink)


def _inner(canvas: Canvas, frame: Frame, court: Court, base: Paint) -> None:
    shape = _shape(court.lines[0].split())
    ring = to_pixels(shape[:-1], frame, _scale(canvas, frame, court))
    canvas.convex(ring, (*brighter(base[:3], court.inner), base[3]))


def track(canvas: Canvas, feature: Feature) -> None:
    """Draw a running track: a red oval of lanes, turf inside; other sports in their surface."""
    sport = first(feature.tags, "sport")
    athletics = sport in ("", "running", "athletics")
    tint, material = SURFACES["tartan"] if athletics else SURFACES["worn asphalt"]
    if sport in ("horse_racing", "equestrian", "dog_racing"):
        tint, material = SURFACES["sand"]
    if sport in ("bmx", "motocross"):
        tint, material = SURFACES["dirt"]
    if first(feature.tags, "surface") in SURFACES:
        tint, material = SURFACES[first(feature.tags, "surface")]
    width = 8.5 if athletics else 12.0
    if feature.is_area and len(feature.parts) > 1:
        canvas.fill(feature.parts, paint(tint, material))
        return
    lines = [feature.outline] if feature.is_area else feature.parts
    if feature.is_area:
        canvas.fill(feature.parts[:1], paint((100, 150, 68), "lawn"))
    for line in lines:
        canvas.line(line, width, paint(tint, material))
        if athletics:
            for lane in range(1, 4):
                inner = 1.2 * (lane - 2)
                canvas.line(_shrunk(line, inner * canvas.metre), 0.14, _WHITE)


def _shrunk(line: Points, pixels: float) -> Points:
    """Give a closed line a little nearer to its middle."""
    middle = line.mean(axis=0)
    apart = line - middle
    length = np.maximum(np.hypot(*apart.T), 1e-9)[:, None]
    result: Points = line - apart / length * pixels
    return result


_PITCH: Look = (Pass(Layer.COURT, pitch),)
_TRACK: Look = (Pass(Layer.COURT, track, -1),)


def _skatepark(canvas: Canvas, feature: Feature) -> None:
    frame = (
        feature.frame
        if feature.is_area
        else Frame(*feature.centre, 0.0, 20 * canvas.metre, 12 * canvas.metre)
    )
    skate(canvas, feature, frame)


def _ice_rink(canvas: Canvas, feature: Feature) -> None:
    canvas.fill(feature.parts, paint((226, 238, 246), "ice"))
    for frame in _courts(canvas, feature.frame, COURTS["ice_hockey"]):
        _lines(canvas, frame, COURTS["ice_hockey"])


def _miniature_golf(canvas: Canvas, feature: Feature) -> None:
    """Draw small green lanes side by side."""
    base, lane = paint((176, 168, 150), "gravel"), paint((66, 140, 84), "rubber")
    if feature.is_area:
        canvas.motif(
            feature.parts, feature.frame, motifs.blocks(base, lane, (0.75, 0.3), None), (9, 4)
        )
    else:
        canvas.box(feature.centre, 0.4, (12, 9), lane)


_SKATEPARK: Look = (Pass(Layer.COURT, _skatepark),)
AREAS: Looks = {
    "leisure": {
        "pitch": _PITCH,
        "track": _TRACK,
        "ice_rink": (Pass(Layer.COURT, _ice_rink),),
        "miniature_golf": (Pass(Layer.COURT, _miniature_golf),),
        "skatepark": _SKATEPARK,
    },
    "sport": dict.fromkeys(COURTS, _PITCH)
    | {
        "baseball": _PITCH,
        "softball": _PITCH,
        "skateboard": _PITCH,
        "bmx": _PITCH,
        "equestrian": _PITCH,
        "athletics": _TRACK,
        "running": _TRACK,
        "horse_racing": _TRACK,
        "motor": _TRACK,
        "karting": _TRACK,
    },
}
LINES: Looks = {"leisure": {"track": _TRACK, "pitch": _TRACK}}
POINTS: Looks = {
    "leisure": {
        "pitch": _PITCH,
        "skatepark": _SKATEPARK,
        "miniature_golf": (Pass(Layer.COURT, _miniature_golf),),
    }
}
