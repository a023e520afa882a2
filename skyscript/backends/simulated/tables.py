"""The simulator's tables: CSV files beside this module, read once and checked when read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from pipeline.atomic import content_id
from pipeline.errors import InputError
from skyscript.backends.simulated.noise import TEXTURES, Field
from skyscript.backends.simulated.season import Season

Colour = tuple[int, int, int]
Paint = tuple[int, int, int, int]
"""Red, green, blue and the number of the material."""
SOIL = (150, 122, 92)
_BARE = {Season.SPRING: 0.0, Season.SUMMER: 0.0, Season.AUTUMN: 0.25, Season.WINTER: 0.4}
"""How much bare soil shows in a field of crops."""
_TINT = re.compile(r"(?:#([0-9a-f]{6})|x(\d\.?\d*)|([a-z_]+))(?:/([a-z_]+))?")


class Tint(NamedTuple):
    """A colour as the tables write it: ``#rrggbb``, a plant of plants.csv, or ``x0.8``."""

    colour: Colour | None = None
    plant: str = ""
    factor: float = 1.0
    """Where there is no colour and no plant: the colour under it, times this."""
    material: int | None = None
    """Written after a slash; without one it is plain, or that of the colour under it."""


@cache
def tables_digest() -> str:
    """Give a digest of all tables; if it changes, the pixels may change."""
    names = ("looks.csv", "marks.csv", "materials.csv", "plants.csv")
    return content_id("\n".join(line for name in names for line in lines_of(name)).encode())


def lines_of(name: str) -> list[str]:
    """Give the lines of a table beside this module."""
    text = resources.files("skyscript.backends.simulated").joinpath(name).read_text("utf-8")
    return text.splitlines()


def read_rows(
    name: str, columns: tuple[str, ...], lines: Iterable[str] | None = None
) -> Iterator[tuple[str, dict[str, str]]]:
    """Give each row of a table with the words that name it in an error; ``#`` begins a comment."""
    reader = csv.reader(lines_of(name) if lines is None else lines)
    header = next(reader, [])
    if tuple(header) != columns:
        raise InputError(f"{name}: the columns must be {', '.join(columns)}")
    for cells in reader:
        where = f"{name}, line {reader.line_num}"
        if not cells or cells[0].startswith("# "):
            continue
        if len(cells) != len(columns):
            raise InputError(f"{where}: {len(cells)} cells, but {len(columns)} columns")
        yield where, dict(zip(columns, (cell.strip() for cell in cells), strict=True))


class _Materials(NamedTuple):
    number: dict[str, int]
    strength: dict[str, Field]
    """Texture -> its strength by material, as a look-up table of 256."""
    snow: Field
    turning: Field
    green: frozenset[int]
    """Materials on which a tree may grow."""


@cache
def materials() -> _Materials:
    """Give the materials of surfaces, from the table materials.csv."""
    columns = ("material", *TEXTURES, "snow", "turning", "green")
    found = list(read_rows("materials.csv", columns))
    values = np.array(
        [[number(where, row[c] or "0") for c in columns[1:]] for where, row in found], np.float32
    )
    padded = np.zeros((256, values.shape[1]), np.float32)
    padded[: len(values)] = values
    by_name = {name: np.ascontiguousarray(padded[:, i]) for i, name in enumerate(columns[1:])}
    numbers = {row["material"]: index for index, (_, row) in enumerate(found)}
    green = frozenset(np.flatnonzero(by_name["green"]).tolist())
    strength = {name: by_name[name] for name in TEXTURES if by_name[name].any()}
    return _Materials(numbers, strength, by_name["snow"], by_name["turning"], green)


@cache
def plants() -> dict[str, dict[Season, Colour]]:
    """Give the colours that change with the seasons: the table plants.csv."""
    seasons = tuple(season.value for season in Season)
    return {
        row["plant"]: {Season(name): _hex(row[name][1:]) for name in seasons}
        for _, row in read_rows("plants.csv", ("plant", *seasons))
    }


def _hex(digits: str) -> Colour:
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def number(where: str, text: str) -> float:
    """Give a cell's number; raises `InputError` naming the line."""
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: {text!r} is not a number") from None


def tint(where: str, text: str) -> Tint:
    """Read ``#a0b1c2/soil``, ``meadow/grass`` or ``x0.8``; raises `InputError` naming the line."""
    match = _TINT.fullmatch(text)
    if match is None or (match[3] and match[3] not in plants()):
        raise InputError(
            f"{where}: {text!r} is not a colour (#rrggbb, a plant of plants.csv or a factor as "
            "x0.8; a material may follow after a slash)"
        )
    if match[4] and match[4] not in materials().number:
        raise InputError(f"{where}: {match[4]!r} is not a material of materials.csv")
    material = materials().number[match[4]] if match[4] else None
    factor = float(match[2]) if match[2] else 1.0
    return Tint(_hex(match[1]) if match[1] else None, match[3] or "", factor, material)


@lru_cache(8192)
def paint(tint: Tint, season: Season, under: Paint = (0, 0, 0, 0), factor: float = 1.0) -> Paint:
    """Give the paint of a tint in a season, over another paint, its brightness times a factor."""
    colour = tint.colour or (plants()[tint.plant][season] if tint.plant else None)
    if colour is None:
        colour, factor = under[:3], factor * tint.factor
        material = under[3] if tint.material is None else tint.material
    else:
        material = tint.material or 0
        if material == materials().number["crop"]:
            colour = mix(colour, SOIL, _BARE[season])
    return (*brighter(colour, factor), material)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Give ``one`` with ``share`` (0 to 1) of ``other``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def brighter(base: Colour, factor: float) -> Colour:
    """Give a colour times a factor, cut off at white."""
    red, green, blue = (min(255, max(0, round(part * factor))) for part in base)
    return (red, green, blue)


_NUMBER = re.compile(
    r"\s*(\d{1,7}(?:[.,]\d{1,4})?)\s*(km|m|ft|feet|'|mi|in|\")?(?![a-z])", re.ASCII
)
_METRES = {"km": 1000.0, "ft": 0.3048, "feet": 0.3048, "'": 0.3048, "mi": 1609.3, "in": 0.0254}


def metres(tags: Mapping[str, str], key: str, low: float, high: float) -> float | None:
    """Give a tag's length in metres (or number) if it is valid and between low and high."""
    match = _NUMBER.match(tags.get(key, ""))
    if match is None:
        return None
    value = float(match[1].replace(",", ".")) * _METRES.get(match[2] or "m", 1.0)
    return value if low <= value <= high else None


def first(tags: Mapping[str, str], key: str) -> str:
    """Give the first of a tag's values (``a;b``), in lower case; empty if there is none."""
    return tags.get(key, "").split(";", 1)[0].strip().lower()


def css_colour(text: str) -> Colour | None:
    """Give a CSS colour (a name, ``#rgb``, ``#rrggbb``) as RGB; None if it is not a colour."""
    from PIL import ImageColor

    name: Any = text.strip().lower().replace("_", "").replace(" ", "")
    if not name or len(name) > 32:
        return None
    try:
        red, green, blue = ImageColor.getrgb(name)[:3]
    except (ValueError, OverflowError):
        return None
    return (min(max(red, 0), 255), min(max(green, 0), 255), min(max(blue, 0), 255))
