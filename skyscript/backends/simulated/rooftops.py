"""What stands on roofs: chimneys, steeples, skylights, coolers, panels, cars."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.materials import Paint, paint
from skyscript.backends.simulated.pixels import Place
from skyscript.backends.simulated.values import Colour, brighter

_DARK = paint((70, 72, 76), "metal")
_LIGHT = paint((224, 226, 228), "metal")
_GLASS = paint((150, 182, 204), "glass")


def _at(feature: Feature, u: float, v: float) -> Place:
    """Give a place of the frame; u and v from -0.5 to 0.5."""
    frame = feature.frame
    cos, sin = math.cos(frame.angle), math.sin(frame.angle)
    along, across = u * frame.length, v * frame.width
    return frame.x + along * cos - across * sin, frame.y + along * sin + across * cos


def block(
    canvas: Canvas, place: Place, angle: float, sides: tuple[float, float], tint: Paint
) -> None:
    """Draw a small block on a roof with the shadow it throws there."""
    dx, dy = canvas.thrown(min(sides) * 0.6)
    canvas.box((place[0] + dx, place[1] + dy), angle, sides, paint((64, 66, 72)))
    canvas.box(place, angle, sides, tint)


def _scatter(
    tints: tuple[Paint, ...], sides: tuple[float, float], each: float, most: int = 12
) -> Callable[[Canvas, Feature], None]:
    """Give what draws blocks here and there, one for every ``each`` square metres."""

    def draw(canvas: Canvas, feature: Feature) -> None:
        count = min(most, max(1, round(feature.size / canvas.metre**2 / each)))
        for index in range(count):
            u, v = feature.uniform(f"u{index}") - 0.5, feature.uniform(f"v{index}") - 0.5
            grown = 0.7 + 0.7 * feature.uniform(f"s{index}")
            place = _at(feature, u * 0.7, v * 0.6)
            scaled = (sides[0] * grown, sides[1] * grown)
            block(canvas, place, feature.frame.angle, scaled, tints[index % len(tints)])

    return draw


def _stripes(
    mark: Paint, period: float, share: float, across: bool = False
) -> Callable[[Canvas, Feature], None]:
    """Give what covers a roof with stripes."""

    def draw(canvas: Canvas, feature: Feature) -> None:
        frame = feature.frame
        if across:
            frame = frame._replace(angle=frame.angle + math.pi / 2)
        under = canvas.image[
            min(max(int(frame.y), 0), canvas.height - 1),
            min(max(int(frame.x), 0), canvas.width - 1),
        ].tolist()
        base = (under[0], under[1], under[2], under[3])
        if period * canvas.metre >= 3:
            canvas.motif(
                feature.parts, frame, motifs.stripes(base, mark, share), (period * 4, period)
            )

    return draw


def _panes(canvas: Canvas, feature: Feature) -> None:
    pane, bar = paint((196, 218, 222), "glass"), paint((120, 138, 140), "metal")
    canvas.motif(feature.parts, feature.frame, motifs.lattice(pane, bar, (0.1, 0.14)), (3.2, 4.0))


def _steeple(size: float) -> Callable[[Canvas, Feature], None]:
    def draw(canvas: Canvas, feature: Feature) -> None:
        side = min(size, feature.frame.width / canvas.metre * 0.6)
        end = 0.5 - side * canvas.metre / 2 / max(feature.frame.length, 1e-6)
        place = _at(feature, end if feature.uniform("end") < 0.5 else -end, 0)
        block(canvas, place, feature.frame.angle, (side, side), paint((104, 122, 116), "metal"))
        for turn in (0.25, 0.75):
            angle = feature.frame.angle + turn * math.pi
            canvas.box(place, angle, (side * 1.2, 0.25), paint((198, 206, 200), "metal"))
        canvas.disc(place, 0.35, paint((240, 220, 140)))

    return draw


def _dome(
    canvas: Canvas,
    feature: Feature,
    place: Place | None = None,
    share: float = 0.36,
    tint: Colour = (116, 172, 150),
) -> None:
    x, y = place or (feature.frame.x, feature.frame.y)
    radius = feature.frame.width / canvas.metre * share
    dx, dy = canvas.light.away
    for step in range(5):
        part = step / 5
        off = radius * canvas.metre * 0.45 * part
        canvas.disc(
            (x - dx * off, y - dy * off),
            radius * (1 - part),
            paint(brighter(tint, 0.78 + 0.6 * part), "metal"),
        )


def _mosque(canvas: Canvas, feature: Feature) -> None:
    _dome(canvas, feature, tint=(196, 208, 204))
    for u, v in ((-0.44, -0.44), (0.44, -0.44), (-0.44, 0.44), (0.44, 0.44)):
        place = _at(feature, u, v)
        canvas.disc(place, 1.2, _LIGHT)
        canvas.disc(place, 0.5, paint((90, 140, 120)))


def _corners(canvas: Canvas, feature: Feature) -> None:
    radius = max(1.5, feature.frame.width / canvas.metre * 0.14)
    for u, v in ((-0.46, -0.44), (0.46, -0.44), (-0.46, 0.44), (0.46, 0.44)):
        canvas.disc(_at(feature, u, v), radius, paint((124, 116, 112), "roof"))
        canvas.disc(_at(feature, u, v), radius * 0.45, paint((178, 168, 156), "roof"))


def letter_h(canvas: Canvas, place: Place, size: float) -> None:
    """Draw a helipad: a disc, a ring and the letter H."""
    canvas.disc(place, size, paint((98, 110, 104), "asphalt"))
    canvas.circle(place, size * 0.86, size * 0.08, paint((240, 240, 236)))
    scale = canvas.metre * size * 0.36
    for points in (((-1, -1.2), (-1, 1.2)), ((1, -1.2), (1, 1.2)), ((-1, 0), (1, 0))):
        canvas.line(
            np.array(points) * (scale * 0.8, scale) + place, size * 0.13, paint((240, 240, 236))
        )


def _helipad(canvas: Canvas, feature: Feature) -> None:
    letter_h(canvas, _at(feature, 0.25, 0), min(9.0, feature.frame.width / canvas.metre * 0.3))
    _scatter((_LIGHT,), (3, 2), 200)(canvas, feature)


def _red_cross(canvas: Canvas, feature: Feature) -> None:
    side = min(6.0, feature.frame.width / canvas.metre * 0.5)
    for turn in (0, math.pi / 2):
        canvas.box(
            feature.centre, feature.frame.angle + turn, (side, side * 0.3), paint((206, 40, 40))
        )


def _pool(canvas: Canvas, feature: Feature) -> None:
    side = min(10.0, feature.frame.width / canvas.metre * 0.4)
    canvas.box(
        _at(feature, 0.22, 0),
        feature.frame.angle,
        (side * 1.6, side * 1.1),
        paint((214, 206, 190), "paving"),
    )
    canvas.box(
        _at(feature, 0.22, 0),
        feature.frame.angle,
        (side * 1.2, side * 0.7),
        paint((92, 190, 206), "water"),
    )
    _scatter((_LIGHT,), (3, 2), 260, 5)(canvas, feature)


def _ring_stands(canvas: Canvas, feature: Feature) -> None:
    """Draw rows of seats between the roof's rim and the field, where the outline has no hole."""
    x, y = feature.frame.x, feature.frame.y
    for share, tint in (
        (0.9, (196, 96, 84)),
        (0.78, (206, 206, 204)),
        (0.68, (96, 116, 166)),
        (0.56, (98, 148, 66)),
    ):
        if len(feature.parts) > 1 and share < 0.9:
            return
        ring = (feature.outline - (x, y)) * share + (x, y)
        canvas.fill([ring], paint(tint, "lawn" if share == 0.56 else "concrete"))


def _scaffold(canvas: Canvas, feature: Feature) -> None:
    _stripes(paint((220, 178, 92)), 3.0, 0.3)(canvas, feature)
    crane(canvas, _at(feature, 0.3, 0.3), feature.uniform("crane") * math.pi)


def crane(canvas: Canvas, place: Place, angle: float) -> None:
    """Draw a tower crane: a yellow jib over a mast."""
    cos, sin = math.cos(angle) * canvas.metre, math.sin(angle) * canvas.metre
    x, y = place
    jib = np.array([(x - cos * 12, y - sin * 12), (x + cos * 32, y + sin * 32)])
    shift = canvas.thrown(18.0)
    canvas.line(jib + shift, 1.0, paint((70, 70, 72)))
    canvas.line(jib, 1.4, paint((236, 196, 60)))
    canvas.box((x - cos * 10, y - sin * 10), angle, (4, 3), paint((120, 120, 120)))
    canvas.box(place, angle, (2.4, 2.4), paint((214, 170, 40)))


def _courts(canvas: Canvas, feature: Feature) -> None:
    """Draw an inner yard, where the outline has no hole."""
    if len(feature.parts) == 1 and feature.frame.width > 16 * canvas.metre:
        ring = (feature.outline - feature.centre) * 0.45 + feature.centre
        canvas.fill([ring], paint((118, 130, 96), "grass"))


def _open(canvas: Canvas, feature: Feature) -> None:
    """Draw walls without a roof."""
    ring = (feature.outline - feature.centre) * 0.8 + feature.centre
    canvas.fill([ring], paint((130, 128, 96), "rough grass"))


def panels(canvas: Canvas, feature: Feature) -> None:
    """Draw rows of solar panels on the whole outline."""
    cell, gap = paint((40, 54, 96), "glass"), paint((150, 158, 170), "metal")
    motif = motifs.lattice(cell, gap, (0.08, 0.1))
    canvas.motif(feature.parts, feature.frame, motif, (1.1, 1.8))


def _roof_cars(canvas: Canvas, feature: Feature) -> None:
    from skyscript.backends.simulated.parking import bays

    bays(canvas, feature, paint((184, 182, 176), "concrete"))


def _rim(canvas: Canvas, feature: Feature) -> None:
    for ring in feature.parts:
        canvas.ring(ring, 1.0, _LIGHT)


_BRIGHT = tuple(
    paint(tint) for tint in ((220, 70, 60), (60, 120, 200), (240, 200, 70), (90, 170, 90))
)
ON_TOP: dict[str, Callable[[Canvas, Feature], None]] = {
    "chimneys": _scatter((paint((120, 76, 64)),), (0.9, 0.7), 70, 6),
    "stairheads": _scatter((_DARK, paint((206, 204, 198), "flat roof")), (4.0, 3.0), 150, 8),
    "coolers": _scatter((_LIGHT, _DARK), (3.2, 2.2), 120, 12),
    "skylights": _stripes(_GLASS, 9.0, 0.16, across=True),
    "ridge vent": _stripes(_DARK, 200.0, 0.02),
    "fans": _scatter((_DARK,), (1.2, 1.2), 60, 12),
    "panes": _panes,
    "partitions": _stripes(paint((150, 150, 150)), 3.2, 0.1, across=True),
    "ribs": _stripes(paint((150, 156, 160), "metal"), 2.4, 0.25, across=True),
    "cars": _roof_cars,
    "steeple": _steeple(7.0),
    "small steeple": _steeple(3.4),
    "dome": _dome,
    "dome and minarets": _mosque,
    "gilded": lambda canvas, feature: _dome(canvas, feature, share=0.16, tint=(222, 180, 70)),
    "corner towers": _corners,
    "coloured blocks": _scatter(_BRIGHT, (4.0, 4.0), 60, 9),
    "courts": _courts,
    "helipad": _helipad,
    "red cross": _red_cross,
    "pool": _pool,
    "stands": _ring_stands,
    "open": _open,
    "scaffold": _scaffold,
    "rim": _rim,
}
