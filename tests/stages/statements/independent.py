"""Tells whether statements are true, from their definitions: nothing of the generator is used.

Geometry is measured anew, or drawn. Concepts come from the vocabulary.
"""

import calendar
import itertools
import re

import numpy as np
import shapely
from rasterio.features import geometry_mask
from rasterio.transform import IDENTITY

from tests.stages.statements.seen import Image

__all__ = ["Image", "is_true"]

_TURNS = {"north": 0, "northeast": 45, "east": 90, "southeast": 135}
_TURNS |= {"south": 180, "southwest": 225, "west": 270, "northwest": 315}
NUMBERS = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
NUMBERS += ["eleven", "twelve"]
_SEASONS = {"spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11), "winter": (12, 1, 2)}


def is_true(row, image):
    """Tell whether the claim of a statement is true, and whether its text says the claim.

    The claim of a negative must be false, and its true sentence true.
    """
    verb, names, value = re.fullmatch(r"(\w+)\((.*?)\)(?: = (.*))?", row["claim"]).groups()
    named = (
        names == "image"
        or row["kind"] == "not_present"
        or all(image.says(one, row["text"]) for one in names.split(", "))
    )
    if row["kind"] == "ask_absence":
        return not image.of(names) and image.complete and row["answer"] == "No."
    holds = _CHECKS[verb](image, names, value, row)
    says = _WORDS[verb](verb, value, (row["answer"] or row["text"]).casefold())
    if row["role"] == "negative":
        return named and says and not holds and _TWISTED[verb](image, names, row["true_text"])
    return named and says and holds and (row["role"] == "question") == (row["answer"] is not None)


def _count(image, name, value, row):
    return image.complete and image.tells(name) and len(image.of(name)) == int(value)


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

    return any(lies(*pair) for pair in _pairs(image, names))


def _distance(image, names, value, row):
    """Metres of the ellipsoid at the middle of the image, where the generator has a sphere."""
    said = int(value)
    step = 10 if said < 100 else 50 if said < 500 else 100
    far = [a.distance(b) * image.metres for a, b in _pairs(image, names)]
    return any(said - step / 2 <= one <= said + step / 2 for one in far)


def _cover(image, name, value, row):
    """Draw the areas four times as fine as the image and count pixels."""
    areas = [shapely.transform(shape, lambda at: at * 4) for shape in image.of(name)]
    areas = [area for area in areas if shapely.get_dimensions(area) == 2]
    width, height = image.size
    drawn = geometry_mask(areas, (height * 4, width * 4), IDENTITY, invert=True)
    told = image.complete and image.tells(name)
    return told and abs(100 * drawn.mean() - int(value)) <= 5


def _inside(image, names, value, row):
    def lies(a, b):
        rest = shapely.difference(a, b.buffer(0.1))
        return shapely.get_dimensions(b) == 2 and rest.is_empty

    return any(lies(*pair) for pair in _pairs(image, names)) == (value != "no")


def _beside(image, names, value, row):
    def lies(a, b):
        least = min(a.area, b.area)
        return least > 0 and a.distance(b) <= 3.01 and a.intersection(b).area <= 0.0101 * least

    return any(lies(*pair) for pair in _pairs(image, names))


def _crosses(image, names, value, row):
    def meet(a, b):
        common = shapely.get_parts(a.intersection(b))
        ends = shapely.union(a.boundary, b.boundary)
        single = all(part.geom_type == "Point" for part in common)
        inner = [part for part in common if ends.is_empty or part.distance(ends) > 0]
        return (
            a.geom_type.endswith("String") and b.geom_type.endswith("String") and single and inner
        )

    return any(meet(*pair) for pair in _pairs(image, names))


def _region(image, name, value, row):
    given = [int(side) for side in value.strip("[]").split(", ")]
    assert given == row["bins"]
    sizes = np.array(image.size * 2)
    near = [np.abs(np.array(a.bounds) / sizes * 1000 - given).max() <= 0.51 for a in image.of(name)]
    return any(near)


def _attribute(image, names, value, row):
    thing, attribute = names.split(", ")
    return bool(set(image.ids_of(thing)) & set(image.ids_of(attribute)))


def _only(image, name, value, row):
    return image.complete and image.tells(name) and image.ids_of(name) == row["rests_on"]


def _middle(ends):
    return sum(ends) / 2


def _outermost(axis, sign):
    def check(image, name, value, row):
        others = set(image.ids_of(name)) - set(row["rests_on"])
        side = image.size[axis]
        ends = {one: image.shapes[one].bounds[axis::2] for one in image.ids_of(name)}
        (meant,) = row["rests_on"]
        leads = [
            sign * (of(ends[meant]) - of(ends[other]))
            for other in others
            for of in (_middle, max if sign > 0 else min)
        ]
        known = image.complete and image.tells(name) and meant in image.ids_of(name)
        return known and leads and min(leads) >= side / 20 - 1e-6

    return check


def _largest(image, name, value, row):
    (meant,) = row["rests_on"]
    others = [image.shapes[one].area for one in set(image.ids_of(name)) - {meant}]
    area = image.shapes[meant].area
    larger = others and area >= 1.3 * max(others) * (1 - 1e-9)
    known = image.complete and image.tells(name)
    return known and meant in image.ids_of(name) and larger


def _more(image, names, value, row):
    one, other = (len(image.of(name)) for name in names.split(", "))
    known = image.complete and all(map(image.tells, names.split(", ")))
    return known and one != other and (value == "yes") == (one > other)


def _gsd(image, name, value, row):
    return abs(float(value) / image.metres - 1) <= 0.06


def _date(image, name, value, row):
    known = {"year": 4, "day": 7, "minute": 7}[image.precision]
    return image.acquired.isoformat()[:known] == value


def _season(image, name, value, row):
    month = image.acquired.month
    if image.latitude < 0:
        month = (month + 5) % 12 + 1
    return month in _SEASONS[value] and image.precision in ("day", "minute")


_CHECKS = {
    "count": _count,
    "direction": _direction,
    "distance": _distance,
    "cover": _cover,
    "inside": _inside,
    "beside": _beside,
    "crosses": _crosses,
    "region": _region,
    "attribute": _attribute,
    "only": _only,
    "easternmost": _outermost(0, 1),
    "westernmost": _outermost(0, -1),
    "southernmost": _outermost(1, 1),
    "northernmost": _outermost(1, -1),
    "largest": _largest,
    "present": lambda image, name, value, row: bool(image.of(name)),
    "more": _more,
    "gsd": _gsd,
    "date": _date,
    "season": _season,
}


def _number(value):
    return NUMBERS[int(value)] if int(value) <= 12 else str(value)


def _says_verb(verb, value, text):
    return verb in text


def _says_value(verb, value, text):
    return value in text


_WORDS = dict.fromkeys(_CHECKS, _says_verb) | {
    "count": lambda verb, value, text: re.search(rf"\b{_number(value)}\b", text),
    "direction": lambda verb, value, text: re.search(rf"\b{value}( of|\.$)", text),
    "distance": lambda verb, value, text: f" {value} m" in text,
    "cover": lambda verb, value, text: f"{value} percent" in text,
    "inside": lambda verb, value, text: text == f"{value}." if value else " in " in text,
    "beside": lambda verb, value, text: " next to " in text,
    "attribute": lambda verb, value, text: " with " in text,
    "present": lambda verb, value, text: (
        text == "yes." or "show" in text or "there is" in text or "there are" in text
    ),
    "more": lambda verb, value, text: text == f"{value}.",
    "date": lambda verb, value, text: _date_words(value) in text,
    **dict.fromkeys(("region", "gsd", "season"), _says_value),
}


def _date_words(value):
    year, _, month = value.partition("-")
    return f"{calendar.month_name[int(month)]} {year}".casefold() if month else year


def _true_count(image, name, text):
    return re.search(rf"\b{_number(len(image.of(name)))}\b", text.casefold())


def _true_direction(image, names, text):
    said = re.search(r" (north|south|(?:north|south)?(?:east|west)) of ", text)[1]
    return _direction(image, names, said, None)


def _true_inside(image, names, text):
    inner, outer = names.split(", ")[::-1]
    order = text.casefold().index(inner.casefold()) < text.casefold().rindex(outer.casefold())
    return order and _inside(image, f"{inner}, {outer}", None, None)


def _true_attribute(image, names, text):
    """All things of the concept have the attribute that the true sentence names."""
    name, _ = names.split(", ")
    attribute = re.search(r" with (.*?)( can be seen)?\.$", text)[1]
    return set(image.ids_of(name)) <= set(image.ids_of(attribute))


_TWISTED = {
    "present": lambda image, name, text: f" no {name}" in text and image.complete,
    "count": _true_count,
    "direction": _true_direction,
    "inside": _true_inside,
    "attribute": _true_attribute,
}
