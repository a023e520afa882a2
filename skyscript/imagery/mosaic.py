"""Mosaics: a tile across the edge of images is filled by several images of one source and year.

Only if no single image shows the whole tile, because a mosaic has seams and several times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import shapely

from skyscript.geo.tile import Tile
from skyscript.imagery.protocol import Scene, TileImage
from skyscript.imagery.scene_index import SceneIndex

_MOST = 9
"""The most images that one tile may be made of."""
_GAP = 1e-3
"""The share of a tile that may stay empty: outlines are known to a fraction of a pixel."""


def scenes_filling(known: SceneIndex, like: int, tile: Tile) -> list[int]:
    """Give the scenes that together fill a tile; none if they do not.

    They have the source, GSD and year of the scene ``like``. The largest share comes first.
    """
    box = shapely.box(*tile.box)
    kind = known.kind_of(like)
    near = [number for number in known.touching(tile.box).tolist() if known.kind_of(number) == kind]
    shares = shapely.area(shapely.intersection(known.footprints[near], box)) / shapely.area(box)
    order = np.argsort(-shares, kind="stable")[:_MOST]
    if shares[order].sum() < 1 - 2 * _GAP:
        return []
    chosen: list[int] = []
    left: shapely.Geometry = box
    for place in order.tolist():
        rest = shapely.difference(left, known.footprints[near[place]])
        if shapely.area(rest) < shapely.area(left):
            chosen.append(near[place])
            left = rest
    return chosen if shapely.area(left) <= _GAP * shapely.area(box) else []


def compose(cut: Callable[[Scene], TileImage], scenes: Sequence[Scene]) -> TileImage:
    """Make a tile of several scenes: each fills what those before it leave empty."""
    first, *others = scenes
    image = cut(first)
    if not others:
        return image
    rgb, valid = image.rgb.copy(), image.valid.copy()
    for scene in others:
        if valid.all():
            break
        below = cut(scene)
        fill = below.valid & ~valid
        rgb[fill] = below.rgb[fill]
        valid |= fill
    return TileImage(rgb, valid)
