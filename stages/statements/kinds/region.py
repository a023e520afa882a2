"""Regions, as in "The box [120, 40, 300, 210] shows a tennis court".

``region(C) = [left, top, right, bottom]``: an area that shows C has this box in the image, in bins
of 0 to 1000 from the top left corner. Stated of areas of at least four pixels a side that cover
less than nine tenths of the image, and of points and lines never: a point has no box.
"""

from __future__ import annotations

from collections.abc import Iterator

import shapely

from skyscript.captions.object_names import with_article
from stages.statements.scene import Claim, Kind, Scene

_LEAST_SIDE = 4.0
_MOST_SHARE = 0.9


def _make(scene: Scene) -> Iterator[Claim]:
    for thing in scene.things:
        left, top, right, bottom = thing.box
        if not thing.is_area or min(right - left, bottom - top) < _LEAST_SIDE:
            continue
        if (right - left) * (bottom - top) > _MOST_SHARE * scene.width * scene.height:
            continue
        bins = to_bins((left, top, right, bottom), scene.width, scene.height)
        words = {"box": str(bins), "a": with_article(thing.name), "label": thing.name.name}
        yield Claim(f"region({thing.name.name}) = {bins}", words, (thing,))


def to_bins(box: tuple[float, float, float, float], width: int, height: int) -> list[int]:
    """Give a box of pixels in bins of 0 to 1000."""
    left, top, right, bottom = box
    scaled = (left / width, top / height, right / width, bottom / height)
    return [min(1000, max(0, round(1000 * side))) for side in scaled]


def _holds(claim: Claim, scene: Scene) -> bool:
    """Tell whether the box, in pixels, holds the thing to half a bin and no side has room."""
    bins = [int(side) for side in claim.words["box"].strip("[]").split(", ")]
    sizes = (scene.width, scene.height) * 2
    pixels = [side * size / 1000 for side, size in zip(bins, sizes, strict=True)]
    found = shapely.total_bounds([claim.things[0].geometry]).tolist()
    slack = [size / 1999 for size in sizes]
    return all(abs(a - b) <= c for a, b, c in zip(pixels, found, slack, strict=True))


REGION = Kind("region", _make, _holds, ("The box {box} shows {a}.", "{label} at {box}"))
