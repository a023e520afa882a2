"""How well shifts between map and image are found: `python -m tests.bench.match`.

Prints the figures of docs/match.md. A map is moved by a known shift, up to 9 m to the east and to
the north, and found again. *Wrong place*: the map of another tile of the same place. *Worse map*:
each object is moved by 1 m (standard deviation, each axis), and a third of them is missing. Places
are cut into strips; the method and `--fit` use the even ones, the figures come from the odd ones.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.config import parse_config
from pipeline.run import Run
from pipeline.runner import run
from skyscript.backends.simulated.source import SimulatedBackend, SimulatedSource
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box, mercator_box, tile_around, to_degrees
from skyscript.match import correlation
from skyscript.match.correlation import Agreement, agreement
from skyscript.match.edge_lines import EdgeLines, Pieces
from tag_vocab import SHIPPED
from tests.bench.match_confidence import Sample, calibration, fit
from tests.conftest import SHARED
from tests.stages.extract.everything import RECIPE

REACH, FARTHEST, JITTER, MISSING = 10.0, 9.0, 1.0, 1 / 3
STRIPS = 8
FIELDS = ("farmland", "meadow", "forest", "orchard", "vineyard", "grass")


@dataclass
class Tile:
    """An image and the map around it, in pixels."""

    rgb: np.ndarray
    gsd: float
    pieces: list[Pieces]
    strip: int
    centre: np.ndarray
    """Pixels, of the raster or of the EPSG:3857 grid."""
    base: np.ndarray
    """Metres to the right and down by which the map lies beside the image already."""


@dataclass
class Figures:
    """What came out of one kind of tile."""

    errors: list[float] = field(default_factory=list)
    right: list[Agreement] = field(default_factory=list)
    wrong: list[Agreement] = field(default_factory=list)
    nothing: int = 0
    seconds: float = 0.0


def objects_of(osm: Path, work: Path) -> pa.Table:
    """Give the table of objects of an OSM file."""
    blocks = {"extract": {"path": str(osm)}, "runner": {"executor": "serial"}}
    settings = parse_config(blocks, RECIPE, base=work, where="bench")
    run(RECIPE, settings, work / osm.parent.name, lambda _: None)
    table = Run(work / osm.parent.name).table("objects").to_table()
    return table.filter(pc.field("status") == "ok")


def read_mercator(path: Path, gsd: float | None) -> tuple[np.ndarray, Box, float]:
    """Read a raster on the EPSG:3857 grid; give its pixels, box and GSD."""
    import rasterio
    import rasterio.warp
    from rasterio.vrt import WarpedVRT

    with rasterio.open(path) as file:
        west, south, east, north = rasterio.warp.transform_bounds(file.crs, 3857, *file.bounds)
        scale = 1 / math.cos(math.radians(to_degrees(0, (south + north) / 2)[1]))
        pixel = file.res[0] if gsd is None else gsd * scale
        width, height = int((east - west) / pixel), int((north - south) / pixel)
        transform = rasterio.Affine(pixel, 0, west, 0, -pixel, north)
        size = {"width": width, "height": height, "transform": transform}
        with WarpedVRT(file, crs="EPSG:3857", resampling=5, **size) as warped:
            rgb = np.moveaxis(warped.read([1, 2, 3]), 0, 2).copy()
    box = Box(west, north - height * pixel, west + width * pixel, north)
    return rgb, box, pixel / scale


def in_pixels(pieces: Pieces, box: Box, pixel: float) -> Pieces:
    ends = pieces.ends - np.array([box.west, box.north] * 2)
    return Pieces(ends / np.array([pixel, -pixel] * 2), pieces.width)


def tiles_of_raster(
    path: Path, objects: pa.Table, side: int, count: int, gsd: float | None = None
) -> Iterator[Tile]:
    """Cut tiles around random objects with edges, wholly in the raster."""
    rgb, box, gsd = read_mercator(path, gsd)
    pixel = (box.east - box.west) / rgb.shape[1]
    each = [EdgeLines(objects.slice(row, 1), SHIPPED) for row in range(len(objects))]
    whole = [in_pixels(one.near(Box(*[-1e9] * 2, *[1e9] * 2)), box, pixel) for one in each]
    whole = [pieces for pieces in whole if len(pieces.ends)]
    places = np.concatenate([pieces.ends for pieces in whole])
    rng, base = np.random.default_rng(side), base_of(rgb, whole, gsd)
    print(f"{path.stem}: the map lies {np.round(base, 2)} m beside it already")
    extents = np.array([[*p.ends[:, :2].min(0), *p.ends[:, :2].max(0)] for p in whole])
    for x, y in rng.permutation(places)[:, :2]:
        left, top = (np.array([x, y]) + side * rng.uniform(-0.25, 0.25, 2) - side / 2).astype(int)
        if not (0 <= left <= rgb.shape[1] - side and 0 <= top <= rgb.shape[0] - side):
            continue
        cut = rgb[top : top + side, left : left + side]
        if (cut.max(axis=2) == 0).mean() > 0.05:
            continue
        margin = 2 * REACH / gsd
        near = (
            (extents[:, 0] < left + side + margin)
            & (extents[:, 1] < top + side + margin)
            & (extents[:, 2] > left - margin)
            & (extents[:, 3] > top - margin)
        )
        pieces = [
            Pieces(whole[at].ends - np.array([left, top] * 2), whole[at].width)
            for at in np.flatnonzero(near)
        ]
        centre = np.array([left, top]) + side / 2
        yield Tile(cut, gsd, pieces, int(centre[1] / rgb.shape[0] * STRIPS), centre, base)
        count -= 1
        if not count:
            return


def fields_of(objects: pa.Table) -> pa.Table:
    """Give the fields and forests."""
    uses = [dict(tags).get("landuse") for tags in objects["tags"].to_pylist()]
    return objects.take([row for row, use in enumerate(uses) if use in FIELDS])


def tiles_of_drawings(
    objects: pa.Table, matched: pa.Table, side: int, count: int, gsd: float
) -> Iterator[Tile]:
    """Draw tiles around some of the objects; only the edges of these are matched."""
    backend = SimulatedBackend(SimulatedSource(gsd=(gsd,)))
    scene = backend.scenes("SIM")[1]
    words, rng = SHIPPED, np.random.default_rng(side)
    for row in rng.permutation(len(matched))[:count].tolist():
        one = matched.slice(row, 1).to_pylist()[0]
        tile = tile_around(one["west"], (one["south"] + one["north"]) / 2, side, side, gsd)
        around = objects_near(ds.dataset(objects), [tile.box])
        box = mercator_box(tile.box)
        pixel = (box.east - box.west) / side
        near = objects_near(ds.dataset(matched), [tile.box])
        pieces = [
            in_pixels(EdgeLines(near.slice(at, 1), words).near(box), box, pixel)
            for at in range(len(near))
        ]
        pieces = [each for each in pieces if len(each.ends)]
        centre = np.array([box.west, box.south]) / pixel
        yield Tile(backend.cut(scene, tile, around).rgb, gsd, pieces, row, centre, np.zeros(2))


def moved(tile: Tile, shift: np.ndarray, rng: np.random.Generator, *, worse: bool) -> Pieces:
    """Give a tile's map, moved by metres to the right and down."""
    kept = [p for p in tile.pieces if not worse or rng.random() >= MISSING]
    if not kept:
        return Pieces.none()
    apart = rng.normal(0, JITTER if worse else 0, (len(kept), 2))
    ends = [
        pieces.ends + np.tile((shift + one) / tile.gsd, 2)
        for pieces, one in zip(kept, apart, strict=True)
    ]
    return Pieces(np.concatenate(ends), np.concatenate([pieces.width for pieces in kept]))


def measure(tiles: list[Tile], *, worse: bool, seed: int = 0) -> Figures:
    """Find a known shift in each tile, and match it with the map of another one."""
    rng, figures = np.random.default_rng(seed), Figures()
    for number, tile in enumerate(tiles):
        shift = rng.uniform(-FARTHEST, FARTHEST, 2)
        pieces = moved(tile, shift, rng, worse=worse)
        begun = time.process_time()
        found = agreement(tile.rgb, pieces, tile.gsd, REACH)
        figures.seconds += time.process_time() - begun
        if isinstance(found, str):
            figures.nothing += 1
            continue
        other = moved(elsewhere(tiles, number), np.zeros(2), rng, worse=worse)
        wrong = agreement(tile.rgb, other, tile.gsd, REACH)
        figures.errors.append(
            math.hypot(*(np.array([found.right, found.down]) * tile.gsd + shift - tile.base))
        )
        figures.right.append(found)
        if not isinstance(wrong, str):
            figures.wrong.append(wrong)
    return figures


def elsewhere(tiles: list[Tile], number: int) -> Tile:
    """Give a tile that shares no pixel with another one."""
    here, side = tiles[number].centre, len(tiles[number].rgb)
    turned = [tiles[(number + step) % len(tiles)] for step in range(1, len(tiles))]
    return next(tile for tile in turned if np.abs(tile.centre - here).max() >= side)


def auc(right: list[float], wrong: list[float]) -> float:
    """Give the probability that a right pair has the higher value than a wrong one."""
    first, second = np.array(right)[:, None], np.array(wrong)[None]
    return float((first > second).mean() + (first == second).mean() / 2)


def base_of(rgb: np.ndarray, pieces: list[Pieces], gsd: float) -> np.ndarray:
    """Give the shift in metres that a map has already, from all of its image at once."""
    ends, widths = (np.concatenate(values) for values in zip(*pieces, strict=True))
    with patch.object(correlation, "MOST_PIXELS", 1 << 20):
        found = agreement(rgb, Pieces(ends, widths), gsd, REACH)
    assert isinstance(found, Agreement)
    return np.array([found.right, found.down]) * gsd


def row_of(name: str, figures: Figures, tolerance: float) -> str:
    """Give a row of the table."""
    errors = np.array(figures.errors)
    sure = np.array([found.confidence >= 0.5 for found in figures.right])
    right, wrong = ([found.match for found in some] for some in (figures.right, figures.wrong))
    columns = [
        f"{name:44}",
        f"{len(errors):5}",
        f"{figures.nothing:5}",
        f"{(errors <= tolerance).mean():7.3f}",
        f"{np.median(errors):7.2f}",
        f"{auc(right, wrong):6.3f}",
        f"{np.mean([found.confidence for found in figures.right]):6.2f}",
        f"{sure.mean():6.2f}",
        f"{(errors[sure] <= tolerance).mean() if sure.any() else math.nan:6.3f}",
        f"{np.mean([found.confidence >= 0.5 for found in figures.wrong]):6.3f}",
        f"{1000 * figures.seconds / (len(errors) + figures.nothing):6.1f}",
    ]
    return " ".join(columns)


def places(work: Path, banepa: int, rest: int) -> Iterator[tuple[str, float, list[Tile]]]:
    """Give the kinds of tile: a name, the tolerance in metres and the tiles."""
    pairs = SHARED / "pairs"
    town = objects_of(pairs / "banepa" / "osm.pbf", work)
    for side in (224, 384, 512):
        tiles = tiles_of_raster(pairs / "banepa" / "imagery.tif", town, side, banepa)
        yield f"Banepa, {side} px of 0.13 m", 1.0, list(tiles)
    tiles = tiles_of_raster(pairs / "banepa" / "imagery.tif", town, 224, rest, 0.6)
    yield "Banepa reduced to 0.6 m, 224 px", 1.0, list(tiles)
    country = objects_of(pairs / "swellendam" / "osm.pbf", work)
    for side in (128, 256):
        tiles = []
        for path in sorted((pairs / "swellendam").glob("*.tif")):
            tiles += tiles_of_raster(path, country, side, rest // 2, 2.5)
        yield f"Swellendam, {side} px of 2.5 m", 1.25, tiles
    valley = objects_of(SHARED / "osm" / "liechtenstein.osm.pbf", work)
    for gsd in (0.6, 1.0):
        tiles = list(tiles_of_drawings(valley, fields_of(valley), 384, rest, gsd))
        yield f"simulated fields, 384 px of {gsd:g} m", 1.0, tiles
    roads = country.filter(pc.equal(country["kind"], "w"))
    for side in (128, 256):
        tiles = list(tiles_of_drawings(country, roads, side, rest, 2.5))
        yield f"simulated Swellendam, {side} px of 2.5 m", 1.25, tiles


def main() -> None:
    """Measure all places and print a row for each."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--fit", action="store_true", help="fit the confidence on even strips")
    options.add_argument("--tiles", type=int, default=600, help="tiles of each kind")
    given = options.parse_args()
    samples: list[Sample] = []
    print(f"{'':44} tiles  none  within  median    AUC   conf   sure  right  wrong     ms")
    with tempfile.TemporaryDirectory() as work:
        for name, tolerance, tiles in places(Path(work), given.tiles, given.tiles // 2):
            half = [tile for tile in tiles if tile.strip % 2 != given.fit]
            for worse in (False, True):
                kind = name + ", worse map" * worse
                figures = measure(half, worse=worse)
                print(row_of(kind, figures, tolerance), flush=True)
                pairs = zip(figures.right, figures.errors, strict=True)
                samples += [Sample(kind, found, e <= tolerance, True) for found, e in pairs]
                samples += [Sample(kind, found, False, False) for found in figures.wrong]
    if given.fit:
        print(fit(samples))
    print(*calibration(samples), sep="\n")


if __name__ == "__main__":
    main()
