"""The simulator's tables: CSV files beside this module, read once and checked when read."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from PIL import ImageColor
from pydantic import ValidationError

from pipeline.atomic import content_id
from pipeline.errors import InputError
from skyscript.backends.simulated.noise import TEXTURES, Field
from skyscript.backends.simulated.season import Season

Colour = tuple[int, int, int]
Paint = tuple[int, int, int, int]
"""Red, green, blue and the number of the material."""
Row = dict[str, str]
Lines = Iterable[str] | None
_SURFACES = (*(name for name in TEXTURES if name not in ("clouds", "sensor")), "snow", "green")
_TINT = re.compile(r"(?:(#[0-9a-f]{6})|x(\d\.?\d*)|([a-z_]+))(?:/([a-z_]+))?")


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
    return resources.files(__package__).joinpath(name).read_text("utf-8").splitlines()


def each_row(
    name: str, columns: tuple[str, ...], take: Callable[[Row], None], lines: Lines = None
) -> None:
    """Call ``take`` with each row of a table; its `ValueError` becomes one that names the line."""
    reader = csv.DictReader(lines_of(name) if lines is None else lines)
    if tuple(reader.fieldnames or ()) != columns:
        raise InputError(f"{name}: the columns must be {', '.join(columns)}")
    for row in reader:
        try:
            if None in row or None in row.values():
                raise ValueError(f"a row has {len(columns)} cells")
            take({column: cell.strip() for column, cell in row.items()})
        except ValueError as error:
            wrong = error.errors()[0] if isinstance(error, ValidationError) else None
            why = f"{wrong['loc'][0]}: {wrong['msg']}" if wrong else error
            raise InputError(f"{name}, line {reader.line_num}: {why}") from None


class Materials(NamedTuple):
    """What surfaces are made of: the table materials.csv."""

    number: dict[str, int]
    by: dict[str, Field]
    """For each texture how strong it is, for ``snow`` how much lies, and whether trees grow
    (``green``): look-up tables of 256, by the material's number."""


@cache
def materials() -> Materials:
    """Give the materials of surfaces."""
    result = Materials({}, {column: np.zeros(256, np.float32) for column in _SURFACES})

    def take(row: Row) -> None:
        number = result.number.setdefault(row["material"], len(result.number))
        for column, values in result.by.items():
            values[number] = float(row[column] or 0)

    each_row("materials.csv", ("material", *_SURFACES), take)
    return result


@cache
def plants() -> dict[str, dict[Season, Colour]]:
    """Give the colours that change with the seasons: the table plants.csv."""
    result: dict[str, dict[Season, Colour]] = {}

    def take(row: Row) -> None:
        result[row["plant"]] = {season: rgb(row[season]) for season in Season}

    each_row("plants.csv", ("plant", *Season), take)
    return result


def rgb(text: str) -> Colour:
    """Give a CSS colour (a name, ``#rgb``, ``#rrggbb``); raises `ValueError`."""
    red, green, blue = (min(max(part, 0), 255) for part in ImageColor.getrgb(text[:32])[:3])
    return red, green, blue


def tint(text: str) -> Tint:
    """Read ``#a0b1c2/soil``, ``meadow/grass`` or ``x0.8``; raises `ValueError`."""
    match = _TINT.fullmatch(text)
    if match is None or (match[3] and match[3] not in plants()):
        raise ValueError(
            f"{text!r} is not a colour (#rrggbb, a plant of plants.csv or a factor as x0.8; "
            "a material may follow after a slash)"
        )
    if match[4] and match[4] not in materials().number:
        raise ValueError(f"{match[4]!r} is not a material of materials.csv")
    material = materials().number[match[4]] if match[4] else None
    return Tint(rgb(match[1]) if match[1] else None, match[3] or "", float(match[2] or 1), material)


@lru_cache(8192)
def paint(tint: Tint, season: Season, under: Paint = (0, 0, 0, 0), factor: float = 1.0) -> Paint:
    """Give the paint of a tint in a season, over another paint, its brightness times a factor."""
    colour = tint.colour or (plants()[tint.plant][season] if tint.plant else None)
    plain = 0 if colour else under[3]
    material = plain if tint.material is None else tint.material
    return (*mix((0, 0, 0), colour or under[:3], factor * tint.factor), material)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Give ``one`` with ``share`` of ``other``; more than 1 goes beyond it, at most to white."""
    mixed = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    red, green, blue = (min(255, max(0, part)) for part in mixed)
    return red, green, blue


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
