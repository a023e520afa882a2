"""Tells whether statements are true, from their definitions: nothing of the generator is used.

Geometry is projected by pyproj, and drawn or measured anew. Concepts come from the vocabulary.
"""

import itertools
import re

import numpy as np
import pyproj
import shapely
from rasterio.features import geometry_mask
from rasterio.transform import IDENTITY

from tag_vocab import concepts_of

_TO_METRES = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
_TURNS = {"north": 0, "northeast": 45, "east": 90, "southeast": 135}
_TURNS |= {"south": 180, "southwest": 225, "west": 270, "northwest": 315}
_NUMBERS = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_NUMBERS += ["eleven", "twelve"]


class Image:
    """The visible objects of an image, from its rows of the tables meta, images and objects."""

    def __init__(self, meta, image, wkb_by_id):
        corners = (meta["west"], meta["east"]), (meta["south"], meta["north"])
        (west, east), (south, north) = _TO_METRES.transform(*corners)
        self.size = image["width"], image["height"]
        self.complete = meta["surroundings_complete"]
        scale = self.size[0] / (east - west), self.size[1] / (north - south)
        around = [(one["object_id"], one["tags"]) for one in meta["surrounding"]]
        self.shapes, self.concepts = {}, {}
        for name, tags in [(meta["object_id"], meta["center_tags"]), *around]:
            shape = _in_pixels(wkb_by_id[name], west, north, scale)
            part = shapely.intersection(shape, shapely.box(0, 0, *self.size))
            if not part.is_empty:
                self.shapes[name] = part
                self.concepts[name] = concepts_of(dict(tags), name[0])

    def of(self, name):
        """Give the shapes of the objects that show a concept or a kind of it."""
        return [
            shape
            for one, shape in self.shapes.items()
            if any(
                name in [each.name for each in (shown, *shown.ancestors)]
                for shown in self.concepts[one]
            )
        ]

    def says(self, name, text):
        """Tell whether a text names a concept, in the singular or the plural."""
        shown = {one for concepts in self.concepts.values() for one in concepts}
        shown |= {above for one in shown for above in one.ancestors}
        words = [word for one in shown if one.name == name for word in (name, one.plural)]
        return any(word.casefold() in text.casefold() for word in words)


def _in_pixels(wkb, west, north, scale):
    metres = shapely.transform(
        shapely.from_wkb(wkb), lambda degrees: np.column_stack(_TO_METRES.transform(*degrees.T))
    )
    across, down = scale
    return shapely.transform(
        shapely.make_valid(metres), lambda at: (at - (west, north)) * (across, -down)
    )


def is_true(row, image):
    """Tell whether the claim of a statement is true, and whether its text says the claim."""
    check = {"count": _count, "direction": _direction, "cover": _cover}
    check |= {"inside": _inside, "beside": _beside, "region": _region}
    verb, names, value = re.fullmatch(r"(\w+)\((.*)\)(?: = (.*))?", row["claim"]).groups()
    said = all(image.says(name, row["text"]) for name in names.split(", "))
    return said and check[verb](image, names, value, row)


def _count(image, name, value, row):
    number = int(value)
    word = _NUMBERS[number] if number <= 12 else value
    found = image.of(name)
    return image.complete and len(found) == number and f"{word} " in row["text"].casefold()


def _pairs(image, names):
    """Give all pairs of different objects of two concepts."""
    one, other = names.split(", ")
    pairs = itertools.product(image.of(one), image.of(other))
    return [(a, b) for a, b in pairs if a is not b]


def _direction(image, names, value, row):
    def lies(a, b):
        (w, n, e, s), (w2, n2, e2, s2) = a.bounds, b.bounds
        bearing = np.degrees(np.arctan2((w + e) - (w2 + e2), (n2 + s2) - (n + s))) % 360
        off = abs((bearing - _TURNS[value] + 180) % 360 - 180)
        sides = {"north": s <= n2, "south": n >= s2, "east": w >= e2, "west": e <= w2}
        return off <= 22.6 and all(is_so for side, is_so in sides.items() if side in value)

    return f"{value} of" in row["text"] and any(lies(*pair) for pair in _pairs(image, names))


def _cover(image, name, value, row):
    """Draw the areas four times as fine as the image and count pixels."""
    areas = [shapely.transform(shape, lambda at: at * 4) for shape in image.of(name)]
    areas = [area for area in areas if shapely.get_dimensions(area) == 2]
    width, height = image.size
    drawn = geometry_mask(areas, (height * 4, width * 4), IDENTITY, invert=True)
    return f"{value} percent" in row["text"] and abs(100 * drawn.mean() - int(value)) <= 5


def _inside(image, names, value, row):
    def lies(a, b):
        rest = shapely.difference(a, b.buffer(0.1))
        return shapely.get_dimensions(b) == 2 and rest.is_empty

    return any(lies(*pair) for pair in _pairs(image, names))


def _beside(image, names, value, row):
    def lies(a, b):
        least = min(a.area, b.area)
        return least > 0 and a.distance(b) <= 3.01 and a.intersection(b).area <= 0.0101 * least

    return any(lies(*pair) for pair in _pairs(image, names))


def _region(image, name, value, row):
    given = [int(side) for side in value.strip("[]").split(", ")]
    assert given == row["bins"]
    sizes = np.array(image.size * 2)
    near = [np.abs(np.array(a.bounds) / sizes * 1000 - given).max() <= 0.51 for a in image.of(name)]
    return value in row["text"] and any(near)
