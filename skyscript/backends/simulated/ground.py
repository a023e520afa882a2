"""What covers the land, drawn: a fill with its texture, and the pattern of its kind over it."""

from __future__ import annotations

from skyscript.backends.simulated import motifs
from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.crops import CROPS, FIELDS, HARVESTED, SOIL, TREES, WOODS
from skyscript.backends.simulated.features import Feature
from skyscript.backends.simulated.grounds import (
    LANDUSE,
    LEISURE,
    NATURAL,
    OTHER,
    WETLANDS,
    Ground,
    Pattern,
    spaced_plants,
)
from skyscript.backends.simulated.groves import grove
from skyscript.backends.simulated.layers import Layer, Look, Looks, Pass
from skyscript.backends.simulated.materials import Paint, paint, tone
from skyscript.backends.simulated.motifs import Motif
from skyscript.backends.simulated.season import Season
from skyscript.backends.simulated.values import brighter, first, mix

_GROVES = {
    "leisure=park": (15.0, 0.42),
    "leisure=garden": (12.0, 0.2),
    "leisure=golf_course": (24.0, 0.16),
    "landuse=residential": (17.0, 0.16),
    "landuse=cemetery": (19.0, 0.2),
    "landuse=allotments": (17.0, 0.12),
    "landuse=village_green": (16.0, 0.2),
    "landuse=meadow": (60.0, 0.08),
    "natural=heath": (34.0, 0.1),
    "natural=grassland": (50.0, 0.1),
    "amenity=school": (20.0, 0.16),
    "amenity=university": (17.0, 0.25),
    "amenity=grave_yard": (13.0, 0.3),
    "tourism=camp_site": (19.0, 0.4),
    "tourism=picnic_site": (14.0, 0.3),
    "tourism=zoo": (15.0, 0.35),
}
"""Metres between places for trees, and the share of them that have one."""


def cover(canvas: Canvas, feature: Feature, ground: Ground) -> None:
    """Fill an area with a ground; its colour differs a little from object to object."""
    season = canvas.light.season
    shift = 0.94 + 0.12 * feature.uniform("tone")
    base = paint(brighter(tone(ground.tone, season), shift), ground.material)
    if ground.pattern is None:
        canvas.fill(feature.parts, base)
        return
    pattern = ground.pattern
    frame = feature.frame
    near_enough = min(pattern.metres) * canvas.metre >= 3
    motif = _motif(base, pattern, season, shift)
    if near_enough:
        canvas.motif(feature.parts, frame, motif, pattern.metres)
    else:
        canvas.fill(feature.parts, _mean(motif))


def _motif(base: Paint, pattern: Pattern, season: Season, shift: float) -> Motif:
    mark = paint(brighter(tone(pattern.tone, season), shift), pattern.material)
    if pattern.kind == "waves":
        return motifs.waves(base, mark)
    if pattern.kind == "stripes":
        return motifs.stripes(base, mark, pattern.share[1])
    if pattern.kind == "lattice":
        return motifs.lattice(base, mark, pattern.share)
    dark = paint(brighter(base[:3], 0.6), "plain")
    if pattern.kind == "blocks":
        return motifs.blocks(base, mark, pattern.share, dark)
    return motifs.dots(base, mark, dark, pattern.share[0])


def _mean(motif: Motif) -> Paint:
    red, green, blue = (round(float(motif[:, :, band].mean())) for band in range(3))
    return red, green, blue, int(motif[0, -1, 3])


def _farmland(canvas: Canvas, feature: Feature) -> None:
    crop = first(feature.tags, "crop")
    if not crop:
        cover(canvas, feature, FIELDS[int(feature.uniform("field") * len(FIELDS))])
        return
    ground = CROPS.get(crop) or CROPS.get(crop.removesuffix("s"), CROPS["*"])
    season = canvas.light.season
    bare = mix(tone(ground.tone, season), SOIL, HARVESTED[season])
    cover(canvas, feature, ground._replace(tone=bare))


def _wood(canvas: Canvas, feature: Feature) -> None:
    leaf = first(feature.tags, "leaf_type")
    if leaf not in WOODS:
        leaf = "mixed" if feature.uniform("leaf") < 0.5 else "broadleaved"
    cover(canvas, feature, WOODS[leaf])


def _orchard(canvas: Canvas, feature: Feature) -> None:
    plants = TREES.get(first(feature.tags, "trees"))
    ground = LANDUSE["orchard"]
    if plants is not None:
        ground = ground._replace(tone=(160, 148, 106), pattern=spaced_plants(*plants))
    cover(canvas, feature, ground)


def _wetland(canvas: Canvas, feature: Feature) -> None:
    cover(canvas, feature, WETLANDS.get(first(feature.tags, "wetland"), NATURAL["wetland"]))


def _quarry(canvas: Canvas, feature: Feature) -> None:
    """Draw benches: the same outline again and again, smaller and lower."""
    cover(canvas, feature, LANDUSE["quarry"])
    frame = feature.frame
    ring = feature.outline
    for step in range(1, 6):
        inner = (ring - (frame.x, frame.y)) * (1 - 0.16 * step) + (frame.x, frame.y)
        shade = 0.72 if step % 2 else 1.0
        base = brighter((196 - 8 * step, 188 - 9 * step, 176 - 10 * step), shade)
        canvas.fill([inner], paint(base, "rock"))
        lower = (inner - (frame.x, frame.y)) * 0.93 + (frame.x, frame.y)
        canvas.fill([lower], paint(brighter(base, 1.3 if step % 2 else 1.05), "gravel"))


def _ground(ground: Ground, trees: tuple[float, float] | None, rank: float = 0) -> Look:
    def draw(canvas: Canvas, feature: Feature) -> None:
        cover(canvas, feature, ground)

    return (Pass(Layer.GROUND, draw, rank), *(grove(*trees) if trees else ()))


def _tables() -> Looks:
    tables = {"landuse": LANDUSE, "natural": NATURAL, "leisure": LEISURE, **OTHER}
    looks = {
        key: {
            value: _ground(ground, _GROVES.get(f"{key}={value}")) for value, ground in table.items()
        }
        for key, table in tables.items()
    }
    looks["landuse"] |= {
        "farmland": (Pass(Layer.GROUND, _farmland),),
        "forest": (Pass(Layer.GROUND, _wood),),
        "orchard": (Pass(Layer.GROUND, _orchard),),
        "quarry": (Pass(Layer.GROUND, _quarry),),
    }
    looks["natural"] |= {
        "wood": (Pass(Layer.GROUND, _wood),),
        "wetland": (Pass(Layer.GROUND, _wetland),),
    }
    for value in ("bunker", "green", "tee", "water_hazard"):  # these lie on the others
        looks["golf"][value] = _ground(OTHER["golf"][value], None, rank=1)
    return looks


AREAS: Looks = _tables()
"""How areas of land look."""
