"""Water, what holds it and what lies in it: lakes, rivers, pools, dams, piers, boats."""

from __future__ import annotations

import math

import numpy as np

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.materials import Paint, paint
from skyscript.backends.simulated.noise import cell_uniform
from skyscript.backends.simulated.pixels import Place
from skyscript.backends.simulated.values import Colour, brighter, first, is_set, number

_WATERS: dict[str, Colour] = {
    "lake": (52, 84, 98),
    "pond": (74, 88, 66),
    "river": (76, 98, 94),
    "stream": (84, 104, 100),
    "canal": (82, 98, 82),
    "reservoir": (58, 96, 116),
    "basin": (92, 104, 96),
    "lagoon": (84, 140, 144),
    "oxbow": (64, 84, 60),
    "moat": (70, 86, 62),
    "wastewater": (92, 82, 58),
    "ditch": (86, 92, 70),
    "drain": (92, 98, 84),
    "harbour": (48, 82, 96),
    "fish_pass": (96, 118, 116),
    "bay": (46, 80, 100),
    "reflecting_pool": (72, 96, 108),
    "cove": (50, 92, 108),
    "strait": (40, 74, 96),
    "swimming": (86, 136, 140),
}
_BANK = paint((122, 114, 88), "soil")
_WIDTHS = {"river": 12.0, "canal": 9.0, "stream": 2.2, "ditch": 1.4, "drain": 1.2, "fairway": 0.0}
_TURQUOISE = (92, 190, 206)
_TIMBER = paint((158, 138, 112), "paving")
_CONCRETE = paint((182, 180, 174), "concrete")
_HULLS: tuple[Colour, ...] = ((240, 242, 242), (226, 228, 232), (198, 60, 52), (46, 70, 120))


def _kind(feature: Feature) -> str:
    for key in ("water", "landuse", "waterway", "natural", "leisure"):
        value = first(feature.tags, key)
        if value in _WATERS:
            return value
    return "lake"


def _lake(canvas: Canvas, feature: Feature) -> None:
    kind = _kind(feature)
    shift = 0.93 + 0.14 * feature.uniform("tone")
    for ring in feature.parts:
        canvas.ring(ring, 2.4, _CONCRETE if kind in ("basin", "harbour", "canal") else _BANK)
    canvas.fill(feature.parts, paint(brighter(_WATERS[kind], shift), "water"))


def _stream(canvas: Canvas, feature: Feature) -> None:
    kind = first(feature.tags, "waterway")
    width = number(feature.tags, "width", _WIDTHS.get(kind, 2.0), 0.3, 500)
    dry = is_set(feature.tags, "intermittent")
    tint = (168, 156, 128) if dry else _WATERS.get(kind, (84, 104, 100))
    bank = _CONCRETE if kind in ("canal", "drain") else _BANK
    for line in feature.parts:
        canvas.line(line, width + (1.6 if kind == "canal" else 1.0), bank)
    for line in feature.parts:
        canvas.line(line, width, paint(tint, "gravel" if dry else "water"))


def _foam(canvas: Canvas, feature: Feature) -> None:
    for line in feature.parts:
        canvas.line(line, 7.0, paint((204, 216, 218), "rapids"))
        canvas.line(line, 1.6, paint((150, 148, 140), "concrete"))


def _dam(canvas: Canvas, feature: Feature) -> None:
    for line in feature.parts:
        canvas.line(line, 9.0, paint((196, 192, 184), "concrete"))
        canvas.line(line, 4.0, paint((120, 118, 116), "asphalt"))


def _lock(canvas: Canvas, feature: Feature) -> None:
    for line in feature.parts:
        canvas.line(line, 2.4, paint((92, 74, 56), "plain"))


def _dam_area(canvas: Canvas, feature: Feature) -> None:
    canvas.fill(feature.parts, paint((192, 188, 180), "concrete"))
    frame = feature.frame
    motif = motifs.stripes(_CONCRETE, paint((150, 148, 142), "concrete"), 0.3)
    canvas.motif(feature.parts, frame, motif, (10, 5))


def swimming_pool(canvas: Canvas, feature: Feature) -> None:
    """Draw turquoise water in a light deck, lanes where it is long."""
    if not feature.is_area:
        canvas.box(feature.centre, feature.uniform("turn") * math.pi, (10, 6), _CONCRETE)
        canvas.box(
            feature.centre, feature.uniform("turn") * math.pi, (8, 4), paint(_TURQUOISE, "water")
        )
        return
    for ring in feature.parts:
        canvas.ring(ring, 3.0, paint((222, 214, 198), "paving"))
    canvas.fill(
        feature.parts, paint(brighter(_TURQUOISE, 0.95 + 0.1 * feature.uniform("t")), "water")
    )
    frame = feature.frame
    if frame.length > 20 * canvas.metre and first(feature.tags, "sport") != "diving":
        base, lane = paint(_TURQUOISE, "water"), paint((40, 84, 140), "water")
        canvas.motif(feature.parts, frame, motifs.stripes(base, lane, 0.14), (10, 2.5))


def _fountain(canvas: Canvas, feature: Feature) -> None:
    centre = feature.centre
    radius = 2.6
    if feature.is_area:
        radius = max(1.0, feature.frame.width / canvas.metre / 2.3)
        canvas.fill(feature.parts, paint((198, 192, 180), "concrete"))
    else:
        canvas.disc(centre, radius * 1.25, paint((206, 200, 188), "concrete"))
    canvas.disc(centre, radius, paint((88, 158, 176), "water"))
    canvas.circle(centre, radius * 0.5, 0.35, paint((220, 236, 240), "rapids"))
    canvas.disc(centre, radius * 0.28, paint((240, 248, 250), "rapids"))


def _deck(tint: Paint, width: float) -> Look:
    """Give the look of what lies on the water: planks or stone, with boats beside planks."""

    def draw(canvas: Canvas, feature: Feature) -> None:
        wide = number(feature.tags, "width", width, 0.5, 60)
        if feature.is_area:
            canvas.motif(
                feature.parts,
                feature.frame,
                motifs.stripes(tint, paint(brighter(tint[:3], 0.84), "paving"), 0.2),
                (8, 1.2),
            )
            return
        for line in feature.parts:
            canvas.line(line, wide, tint)

    return (Pass(Layer.BRIDGE_MARK, draw),)


def _pier_boats(canvas: Canvas, feature: Feature) -> None:
    """Moor boats along a pier's edges."""
    lines = (
        [np.concatenate((p, p[:1])) for p in feature.parts] if feature.is_area else feature.parts
    )
    seed = feature.seed("boats")
    for line in lines:
        stations = canvas.stations(line, 3.6)
        draws = cell_uniform(seed, stations.number, stations.number * 0)
        for (x, y), (dx, dy), draw in zip(
            stations.place.tolist(), stations.way.tolist(), draws.tolist(), strict=True
        ):
            if draw < 0.45:
                off = canvas.metre * (5.2 if draw < 0.22 else -5.2)
                boat(canvas, (x - dy * off, y + dx * off), math.atan2(dx, -dy), draw)


def boat(canvas: Canvas, place: Place, angle: float, draw: float) -> None:
    """Draw a boat: a pointed hull 5 to 11 m long and a cabin."""
    length = (5 + 6 * (draw * 7.3 % 1)) * canvas.metre
    width = length * 0.32
    hull = _HULLS[int(draw * 977) % len(_HULLS)] if draw * 31 % 1 < 0.3 else _HULLS[0]
    shape = np.array([(-0.5, -0.42), (0.1, -0.5), (0.5, 0.0), (0.1, 0.5), (-0.5, 0.42)])
    cos, sin = math.cos(angle), math.sin(angle)
    scaled = shape * (length, width)
    turned = np.stack(
        (scaled[:, 0] * cos - scaled[:, 1] * sin, scaled[:, 0] * sin + scaled[:, 1] * cos), 1
    )
    if length > 1.5:
        canvas.convex(turned + place, paint(hull))
        canvas.box(
            place,
            angle,
            (length / canvas.metre * 0.4, width / canvas.metre * 0.5),
            paint((150, 124, 92)),
        )


def _treatment(canvas: Canvas, feature: Feature) -> None:
    """Draw a sewage works: round clarifiers and a long basin on grass."""
    canvas.fill(feature.parts, paint((140, 150, 104), "grass"))
    frame = feature.frame
    along = np.array([math.cos(frame.angle), math.sin(frame.angle)])
    radius = min(frame.width * 0.3, frame.length * 0.14) / canvas.metre
    for step in (-0.32, 0.0, 0.32):
        x, y = np.array([frame.x, frame.y]) + along * frame.length * step
        canvas.disc((x, y), radius * 1.1, _CONCRETE)
        canvas.disc((x, y), radius, paint((88, 78, 58), "water"))
        canvas.disc((x, y), radius * 0.15, _CONCRETE)
        arm = np.array([(x, y), (x + radius * canvas.metre, y)])
        canvas.line(arm, 1.0, _CONCRETE)


def _marina(canvas: Canvas, feature: Feature) -> None:
    """Draw pontoons with boats on both sides; the object's own piers come on top."""
    base = paint((56, 88, 104), "water")
    motif = motifs.plain(base)
    motif[15:17] = _TIMBER
    for low, high in ((5, 14), (18, 27)):
        motif[low:high, 8:24] = paint((238, 240, 242))
        motif[low + 3 : high - 3, 12:20] = paint((150, 124, 92))
    canvas.motif(feature.parts, feature.frame, motif, (4.6, 54))


def _spring(canvas: Canvas, feature: Feature) -> None:
    canvas.disc(feature.centre, 1.8, paint((120, 128, 104), "rock"))
    canvas.disc(feature.centre, 1.1, paint((70, 104, 108), "water"))


_LAKE: Look = (Pass(Layer.WATER, _lake),)
_STREAM: Look = (Pass(Layer.WATER, _stream, 1),)
_POOL: Look = (Pass(Layer.COURT, swimming_pool),)
_FOUNTAIN: Look = (Pass(Layer.LOW, _fountain),)
_PIER: Look = (*_deck(_TIMBER, 2.4), Pass(Layer.LOW, _pier_boats))
_STONE = paint((164, 160, 152), "scree")
_QUAY = paint((190, 184, 174), "concrete")

AREAS: Looks = {
    "natural": {
        "water": _LAKE,
        "bay": _LAKE,
        "strait": _LAKE,
        "spring": (Pass(Layer.LOW, _spring),),
    },
    "water": {"*": _LAKE},
    "landuse": {"reservoir": _LAKE, "basin": _LAKE, "pond": _LAKE, "harbour": _LAKE},
    "waterway": {
        "riverbank": _LAKE,
        "dock": _LAKE,
        "river": _LAKE,
        "canal": _LAKE,
        "stream": _LAKE,
        "dam": (Pass(Layer.SHORE, _dam_area),),
        "weir": (Pass(Layer.SHORE, _dam_area),),
    },
    "leisure": {
        "swimming_pool": _POOL,
        "swimming_area": _LAKE,
        "marina": (Pass(Layer.WATER, _marina, 2),),
    },
    "amenity": {"fountain": _FOUNTAIN, "swimming_pool": _POOL},
    "man_made": {
        "pier": _PIER,
        "jetty": _PIER,
        "breakwater": _deck(_STONE, 8.0),
        "groyne": _deck(_STONE, 4.0),
        "quay": _deck(_QUAY, 6.0),
        "wastewater_plant": (Pass(Layer.COURT, _treatment),),
        "water_works": (Pass(Layer.COURT, _treatment),),
    },
}
LINES: Looks = {
    "waterway": {
        **dict.fromkeys(("river", "canal", "stream", "ditch", "drain", "tidal_channel"), _STREAM),
        "weir": (Pass(Layer.SHORE, _foam),),
        "waterfall": (Pass(Layer.SHORE, _foam),),
        "rapids": (Pass(Layer.SHORE, _foam),),
        "dam": (Pass(Layer.SHORE, _dam),),
        "lock_gate": (Pass(Layer.SHORE, _lock),),
    },
    "man_made": {
        "pier": _PIER,
        "jetty": _PIER,
        "breakwater": _deck(_STONE, 8.0),
        "groyne": _deck(_STONE, 4.0),
        "quay": _deck(_QUAY, 6.0),
    },
    "leisure": {"slipway": _deck(_QUAY, 5.0)},
}
POINTS: Looks = {
    "natural": {"spring": (Pass(Layer.LOW, _spring),)},
    "amenity": {"fountain": _FOUNTAIN},
    "leisure": {"swimming_pool": _POOL},
}
