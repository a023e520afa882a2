"""Sport grounds that are more than lines: diamonds, skate parks, dirt courses, riding arenas."""

from __future__ import annotations

import math

import numpy as np

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature, Frame, Points
from skyscript.backends.simulated.materials import paint

_WHITE = paint((240, 240, 236))


def to_pixels(points: Points, frame: Frame, scale: float) -> Points:
    """Give points of a frame, in metres from its centre, as pixels."""
    cos, sin = math.cos(frame.angle) * scale, math.sin(frame.angle) * scale
    x = points[:, 0] * cos - points[:, 1] * sin + frame.x
    y = points[:, 0] * sin + points[:, 1] * cos + frame.y
    return np.stack((x, y), axis=1)


def _baseball(canvas: Canvas, _feature: Feature, frame: Frame) -> None:
    """Draw the dirt of the infield with its diamond of grass, in the corner of the field."""
    dirt, turf = paint((188, 148, 108), "soil"), paint((98, 148, 66), "lawn")
    size = min(frame.length, frame.width) / canvas.metre
    reach = min(29.0, size * 0.4)
    cos, sin = math.cos(frame.angle), math.sin(frame.angle)
    back = min(frame.length, frame.width) * 0.42
    home = np.array([frame.x - (cos - sin) * back * 0.8, frame.y - (sin + cos) * back * 0.8])
    turn = np.radians(np.linspace(0, 90, 19)) + frame.angle
    edge = np.stack((np.cos(turn), np.sin(turn)), axis=1) * reach * canvas.metre + home
    canvas.fill([np.concatenate((home[None], edge))], dirt)
    axes = np.array([(cos, sin), (-sin, cos)]) * reach * 0.66 * canvas.metre
    inner = home + np.array([(0.12, 0.12), (0.9, 0.12), (0.9, 0.9), (0.12, 0.9)]) @ axes
    canvas.convex(inner, turf)
    middle = home + np.array([0.5, 0.5]) @ axes
    canvas.disc((middle[0], middle[1]), 2.6, dirt)
    for axis in axes:
        canvas.line(np.array([home, home + axis * 3.2]), 0.2, _WHITE)
    canvas.disc((home[0], home[1]), 3.6, dirt)


def _cricket(canvas: Canvas, _feature: Feature, frame: Frame) -> None:
    canvas.box((frame.x, frame.y), frame.angle, (22, 3.4), paint((206, 190, 144), "soil"))


def skate(canvas: Canvas, feature: Feature, frame: Frame) -> None:
    """Draw bowls and ramps on concrete."""
    grey = paint((196, 194, 190), "concrete")
    if feature.is_area:
        canvas.fill(feature.parts, grey)
    for count in range(6):
        at = [feature.uniform(f"ramp {count} {axis}") - 0.5 for axis in "xy"]
        cos, sin = math.cos(frame.angle), math.sin(frame.angle)
        u, v = at[0] * frame.length * 0.75, at[1] * frame.width * 0.75
        place = (frame.x + u * cos - v * sin, frame.y + u * sin + v * cos)
        if count % 2:
            canvas.disc(place, 2.6, paint((150, 150, 150), "concrete"))
            canvas.disc(place, 1.7, paint((110, 112, 114), "concrete"))
        else:
            canvas.box(place, frame.angle, (4.0, 1.6), paint((226, 224, 220), "concrete"))


def _bumps(canvas: Canvas, _feature: Feature, frame: Frame) -> None:
    """Draw the winding dirt trail of a bicycle or motor course."""
    turn = np.linspace(0, 6 * math.pi, 140)
    x = np.linspace(-0.44, 0.44, 140) * frame.length / canvas.metre
    y = np.sin(turn) * 0.4 * frame.width / canvas.metre
    line = to_pixels(np.stack((x, y), axis=1), frame, canvas.metre)
    canvas.line(line, 3.0, paint((186, 150, 108), "soil"))
    for x0, y0 in line[::9].tolist():
        canvas.disc((x0, y0), 1.1, paint((214, 184, 146), "soil"))


def _horses(canvas: Canvas, feature: Feature, frame: Frame) -> None:
    """Draw a sand arena with its track along the fence and a few jumps."""
    if feature.is_area:
        canvas.fill(feature.parts, paint((208, 188, 148), "sand"))
        canvas.ring(feature.outline, 2.6, paint((184, 160, 120), "sand"))
        canvas.ring(feature.outline, 0.5, paint((240, 240, 236)))
    cos, sin = math.cos(frame.angle), math.sin(frame.angle)
    for count in range(5):
        u = (feature.uniform(f"jump {count}") - 0.5) * frame.length * 0.7
        v = (feature.uniform(f"jump across {count}") - 0.5) * frame.width * 0.6
        place = (frame.x + u * cos - v * sin, frame.y + u * sin + v * cos)
        canvas.box(
            place,
            frame.angle + math.pi / 2,
            (4.0, 0.5),
            paint((206, 70, 60) if count % 2 else (240, 240, 240)),
        )


SPECIAL = {
    "baseball": _baseball,
    "softball": _baseball,
    "cricket": _cricket,
    "skateboard": skate,
    "bmx": _bumps,
    "cycling": _bumps,
    "motocross": _bumps,
    "equestrian": _horses,
}
"""Sport -> what is drawn on its pitch, under the lines."""
