"""Simulated images of villages that no two share, and the ways in which copies of them differ."""

import io

import numpy as np
from PIL import Image
from shapely import LineString, Point, affinity, box

from tests.skyscript.backends.simulated.simulated_world import cut, objects

_ROOFS = ("gabled", "hipped", "flat")
_GROUND = ("residential", "farmland", "meadow", "industrial")


def village(number, side=224, gsd=0.6):
    """Draw a village: streets, houses, trees and fields by chance; height x width x 3."""
    rng = np.random.default_rng(number)
    half = side * gsd / 2
    rows = [("a1", box(-half, -half, half, half), {"landuse": str(rng.choice(_GROUND))})]

    def add(kind, shape, **tags):
        rows.append((f"{kind}{len(rows) + 1}", shape, tags))

    for _ in range(rng.integers(2, 5)):
        ends = rng.uniform(-half, half, (2, 2))
        add("w", LineString(ends * 1.5), highway=str(rng.choice(["residential", "track"])))
    for _ in range(rng.integers(8, 30)):
        x, y = rng.uniform(-half, half, 2)
        width, depth = rng.uniform(5, 14, 2)
        house = affinity.rotate(box(x, y, x + width, y + depth), rng.uniform(0, 90))
        add("a", house, building="house", **{"roof:shape": str(rng.choice(_ROOFS))})
    for _ in range(rng.integers(10, 50)):
        add("n", Point(*rng.uniform(-half, half, 2)), natural="tree")
    season = str(rng.choice(["spring", "summer", "autumn"]))
    lon = 10 + number * 0.01
    moved = objects(*((name, shape, tags) for name, shape, tags in rows))
    return cut(_at(moved, lon), gsd=gsd, season=season, width=side, height=side, lon=lon).rgb


def _at(table, lon):
    import pyarrow as pa
    import shapely

    shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    shapes = shapely.transform(shapes, lambda points: points + np.array([lon - 10, 0]))
    at = table.schema.get_field_index("geometry")
    return table.set_column(at, "geometry", pa.array(shapely.to_wkb(shapes), pa.binary()))


def jpeg(image, quality=75):
    """Give the bytes of a JPEG."""
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(data, "JPEG", quality=quality)
    return data.getvalue()


def _cropped(image, share, rng):
    height, width = (round(length * share**0.5) for length in image.shape[:2])
    top, left = (
        rng.integers(0, a - b + 1) for a, b in zip(image.shape, (height, width), strict=False)
    )
    return image[top : top + height, left : left + width]


def _brighter(image, factor):
    return np.clip(image * float(factor), 0, 255).astype(np.uint8)


def _turned(image, degrees):
    return np.array(Image.fromarray(image).rotate(degrees, Image.Resampling.BICUBIC))


def _resized(image, factor):
    size = tuple(round(length * factor) for length in image.shape[1::-1])
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


COPIES = {
    "recompressed at quality 30": lambda image, rng: jpeg(image, 30),
    "brightness x 0.6 or 1.5": lambda image, rng: jpeg(_brighter(image, rng.choice([0.6, 1.5]))),
    "rotated by 90, 180 or 270": lambda image, rng: jpeg(np.rot90(image, rng.integers(1, 4))),
    "mirrored": lambda image, rng: jpeg(image[:, ::-1]),
    "rotated by 17 degrees": lambda image, rng: jpeg(_turned(image, 17)),
    "resized to half": lambda image, rng: jpeg(_resized(image, 0.5)),
    "cropped to 75 %": lambda image, rng: jpeg(_cropped(image, 0.75, rng)),
    "cropped to 50 %": lambda image, rng: jpeg(_cropped(image, 0.5, rng)),
    "cropped to 50 %, rotated by 90, brighter": lambda image, rng: jpeg(
        _brighter(np.rot90(_cropped(image, 0.5, rng)), 1.25), 60
    ),
}
HARDER = {"cropped to 25 %": lambda image, rng: jpeg(_cropped(image, 0.25, rng))}
"""Beyond what is promised: the figures are in the docs."""
