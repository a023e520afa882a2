"""Single trees, rows of them, hedges: crowns with a lit side, and their shadows."""

from __future__ import annotations

import numpy as np

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.materials import paint, tone
from skyscript.backends.simulated.noise import cell_uniform
from skyscript.backends.simulated.pixels import Place
from skyscript.backends.simulated.season import Season
from skyscript.backends.simulated.values import Colour, brighter, mix, number

_PALM = ("palm", "phoenix", "washingtonia", "cocos", "trachycarpus", "roystonea", "date")
_NEEDLES = ("picea", "pinus", "abies", "larix", "cedrus", "cupressus", "taxus", "sequoia", "thuja")


def _kind(tags: dict[str, str]) -> str:
    kind = tags.get("leaf_type", "")
    text = " ".join(
        tags.get(key, "") for key in ("genus", "species", "taxon", "type", "wood")
    ).lower()
    if any(name in text for name in _PALM) or kind == "palm":
        return "palm"
    if kind == "needleleaved" or any(name in text for name in _NEEDLES):
        return "needleleaved"
    return "broadleaved"


def crown(
    canvas: Canvas, place: Place, radius: float, draw: float, kind: str = "broadleaved"
) -> None:
    """Draw a crown: dark to the shade, light to the sun, lobes by ``draw``."""
    tint = _tint(canvas, kind, draw)
    dx, dy = canvas.light.away
    scale = canvas.metre * radius
    if scale < 2:
        canvas.disc(place, radius, paint(tint, "crown"))
        return
    if scale < 9 and kind != "palm":
        top = (place[0] - dx * scale * 0.3, place[1] - dy * scale * 0.3)
        canvas.disc(place, radius, paint(brighter(tint, 0.8), "crown"))
        canvas.disc(top, radius * 0.6, paint(brighter(tint, 1.12), "crown"))
        return
    if kind == "palm":
        _fronds(canvas, place, radius, draw, tint)
        return
    bare = kind == "broadleaved" and canvas.light.season is Season.WINTER
    lobes = 9 if scale > 6 else 5
    for lobe in range(lobes):
        turn = 2 * np.pi * (lobe / lobes + draw)
        reach = 0.62 + 0.16 * np.sin(lobe * 5.1 + draw * 40)
        at = (place[0] + np.cos(turn) * scale * reach, place[1] + np.sin(turn) * scale * reach)
        lit = -(np.cos(turn) * dx + np.sin(turn) * dy)
        canvas.disc(at, radius * 0.36, paint(brighter(tint, 0.82 + 0.16 * lit), "crown"))
    canvas.disc(place, radius * 0.78, paint(brighter(tint, 0.88), "crown"))
    for lobe in range(6):
        turn = 2 * np.pi * (lobe / 6 + draw * 3)
        at = (
            place[0] + (np.cos(turn) * 0.4 - dx * 0.16) * scale,
            place[1] + (np.sin(turn) * 0.4 - dy * 0.16) * scale,
        )
        lit = -(np.cos(turn) * dx + np.sin(turn) * dy)
        canvas.disc(at, radius * 0.3, paint(brighter(tint, 1.0 + 0.16 * lit), "crown"))
    top = (place[0] - dx * scale * 0.3, place[1] - dy * scale * 0.3)
    canvas.disc(top, radius * 0.3, paint(brighter(tint, 1.0 if bare else 1.16), "crown"))
    if kind == "needleleaved":
        canvas.disc(place, radius * 0.14, paint(brighter(tint, 1.5), "crown"))


def _tint(canvas: Canvas, kind: str, draw: float) -> Colour:
    if kind == "palm":
        return (84, 118, 66)
    tint = tone(kind, canvas.light.season)
    if kind == "broadleaved" and canvas.light.season is Season.AUTUMN:
        tint = mix((186, 88, 40), (176, 150, 60), draw) if draw > 0.4 else tint
    return brighter(tint, 0.86 + 0.3 * (draw * 13 % 1))


def _fronds(canvas: Canvas, place: Place, radius: float, draw: float, tint: Colour) -> None:
    for leaf in range(9):
        turn = 2 * np.pi * (leaf / 9 + draw)
        tip = np.array([np.cos(turn), np.sin(turn)]) * radius * canvas.metre
        lit = brighter(tint, 1.25 if leaf % 2 else 0.8)
        canvas.line(np.array([place, place + tip]), radius * 0.2, paint(lit, "plain"))


def _radius(feature: Feature) -> float:
    drawn = 2.2 + 2.6 * feature.uniform("radius")
    if _kind(feature.tags) == "palm":
        drawn = 2.0 + feature.uniform("radius")
    return number(feature.tags, "diameter_crown", drawn * 2, 0.6, 40) / 2


def _tree(canvas: Canvas, feature: Feature) -> None:
    crown(canvas, feature.centre, _radius(feature), feature.uniform("crown"), _kind(feature.tags))


def _tree_shadow(canvas: Canvas, feature: Feature) -> None:
    radius = _radius(feature)
    height = number(feature.tags, "height", radius * 2.4, 1, 90)
    bare = canvas.light.season is Season.WINTER and _kind(feature.tags) == "broadleaved"
    canvas.cast_pole(feature.centre, height * 0.7, 0.5)
    if not bare:
        canvas.cast_disc(feature.centre, radius, height * 0.6)


def _row(canvas: Canvas, feature: Feature) -> None:
    kind = _kind(feature.tags)
    for line in feature.parts:
        stations = canvas.stations(line, 7.0)
        draws = cell_uniform(feature.seed("row"), stations.number, stations.number * 0)
        for place, draw in zip(stations.place.tolist(), draws.tolist(), strict=True):
            crown(canvas, (place[0], place[1]), 2.6 + 1.4 * draw, draw, kind)


def _row_shadow(canvas: Canvas, feature: Feature) -> None:
    for line in feature.parts:
        for x, y in canvas.stations(line, 7.0).place.tolist():
            canvas.cast_disc((x, y), 2.9, 5.0)


def _hedge(canvas: Canvas, feature: Feature) -> None:
    width = number(feature.tags, "width", 1.4, 0.3, 12)
    dark = tone("broadleaved", Season.SUMMER)
    lines = feature.parts
    if feature.is_area:
        canvas.fill(feature.parts, paint(dark, "bushes"))
        return
    for line in lines:
        canvas.cast_line(line, width, 1.2)
        canvas.line(line, width, paint(brighter(dark, 1.05), "bushes"))


def _shrub(canvas: Canvas, feature: Feature) -> None:
    crown(canvas, feature.centre, 1.1, feature.uniform("crown"))


TREE: Look = (Pass(Layer.CAST, _tree_shadow), Pass(Layer.CROWN, _tree))
_ROW: Look = (Pass(Layer.CAST, _row_shadow), Pass(Layer.CROWN, _row))
_HEDGE: Look = (Pass(Layer.CAST, _hedge),)

POINTS: Looks = {"natural": {"tree": TREE, "shrub": (Pass(Layer.LOW, _shrub),)}}
LINES: Looks = {"natural": {"tree_row": _ROW}, "barrier": {"hedge": _HEDGE}}
AREAS: Looks = {"barrier": {"hedge": (Pass(Layer.LOW, _hedge),)}}
