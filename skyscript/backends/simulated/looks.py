"""Which look an object has: the table looks.csv, and generic looks for tags that it lacks.

A row is the look of ``key=value`` (values, and keys, apart by spaces; ``*`` stands for every other
one) for points (P), lines (L) or areas (A), or a change (+). Which row an object gets:

1. Of its keys, the first one in the table that has a row for its value, else for ``*``.
2. Then the changes that the row `takes`, in the order given there, so the last one wins: each is a
   key whose ``+`` row for the object's value replaces those cells that it fills (``-`` empties).
   ``tree/leaf_type`` are changes by the key leaf_type for rows that take them under that name.
3. Then sizes that the tags give: width, diameter, height, floors, lanes.
4. Where no row fits, a generic look is drawn from the first tag that can be seen.

Layers are painted in the order of `Layer`; within a layer areas come from large to small, and lines
in the order of the table.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache, lru_cache
from itertools import count, product
from typing import Any, NamedTuple

import tag_vocab
from skyscript import chance
from skyscript.backends.simulated.marks import Mark, marks
from skyscript.backends.simulated.relief import MOTIFS, RIDGES
from skyscript.backends.simulated.tables import Tint, each_row, first, metres, mix, rgb, tint

COLUMNS = (
    *("key", "value", "dimension", "layer", "colour", "pattern", "edge", "width", "length"),
    *("height", "ridge", "form", "mark", "stamp", "takes"),
)
FORMS = ("disc", "box", "along", "across")
_USES = (
    *("amenity", "shop", "tourism", "office", "leisure", "craft", "historic", "healthcare"),
    *("emergency", "military", "telecom", "club", "aeroway", "railway", "public_transport"),
)
"""Keys for the use of a building, which its roof shows."""
_STOREY = 3.1
_FADED = 0.33
"""How much sun and rain have taken of a named colour."""

Layer = IntEnum(
    "Layer",
    "GROUND WATER COURT ROAD RAIL BRIDGE LOW CAST ROOF THING CROWN TALL WIRE",
    start=0,
)
"""The order of layers, from the bottom. CAST draws the shadows, on all layers below it."""


class Pattern(NamedTuple):
    """What repeats: a motif, or rings within each other."""

    kind: str
    tint: Tint
    along: float = 10.0
    """Metres of a period along the area's long side; of rings: their number."""
    across: float = 3.0
    share: float = 0.3
    """Of the period; of rings: how much smaller the next is."""


class Stamp(NamedTuple):
    """Another look that is repeated on top of this one."""

    key: str
    value: str
    numbers: tuple[float, ...]
    """Areas: metres between places and the share taken; or metres along and across the long side,
    and the share. Lines: metres between, the share, metres beside the line."""


@dataclass(frozen=True)
class Look:
    """How something is painted."""

    layer: Layer = Layer.GROUND
    colour: tuple[Tint, ...] = ()
    """The fill: of several the object draws one; none is not filled."""
    pattern: Pattern | None = None
    edge: tuple[Tint, float] | None = None
    """The surroundings of a look, and their width in metres."""
    width: float = 0.0
    """Metres: of a line or a point."""
    length: float = 0.0
    height: float = 0.0
    """Metres: it throws a shadow."""
    ridge: str = ""
    form: str = "disc"
    """The shape of a point."""
    mark: Mark | None = None
    stamp: Stamp | None = None
    takes: tuple[str, ...] = ()
    row: int = 0


class Table(NamedTuple):
    """The looks and the changes, ready to be looked up."""

    looks: dict[str, dict[tuple[str, str], Look]]
    """Key (in the order of the table) -> (dimension, value) -> look."""
    changes: dict[tuple[str, str], dict[str, Any]]


def read_looks(lines: Iterable[str] | None = None) -> Table:
    """Read a table of looks, by default looks.csv; raises `InputError` naming the line."""
    table = Table({}, {})
    rows = count()

    def take(row: dict[str, str]) -> None:
        if not row["dimension"] or set(row["dimension"]) - set("PLA+"):
            raise ValueError("the dimension must be P, L, A (one or more) or +")
        fields = {column: _field(column, row[column]) for column in COLUMNS[3:] if row[column]}
        look = Look(row=next(rows), **fields)
        for key, value in product(row["key"].split(), row["value"].split()):
            for dimension in row["dimension"]:
                if dimension == "+":
                    table.changes.setdefault((key, value), fields)
                elif "/" not in key:
                    table.looks.setdefault(key, {}).setdefault((dimension, value), look)

    each_row("looks.csv", COLUMNS, take, lines)
    return table


def _field(column: str, cell: str) -> Any:  # noqa: ANN401 - what the column holds
    """Give a cell as the field of a `Look`; ``-`` means the default of an empty cell."""
    words = cell.split()
    if cell == "-":
        return getattr(Look(), column)
    match column:
        case "layer":
            return Layer[_one_of(column, cell.upper(), Layer.__members__)]
        case "colour":
            return tuple(tint(text) for text in cell.split("|"))
        case "width" | "length" | "height":
            return float(cell)
        case "ridge" | "form":
            return _one_of(column, cell, RIDGES if column == "ridge" else FORMS)
        case "mark":
            return marks()[_one_of(column, cell, marks())]
        case "edge" if len(words) == 2:
            return tint(words[0]), float(words[1])
        case "pattern" if 2 <= len(words) <= 5:
            kind = _one_of(column, words[0], {*MOTIFS, "rings"})
            return Pattern(kind, tint(words[1]), *map(float, words[2:]))
        case "stamp" if "=" in words[0] and 3 <= len(words) <= 4:
            key, _, value = words[0].partition("=")
            return Stamp(key, value, tuple(map(float, words[1:])))
        case "takes":
            return tuple(words)
    raise ValueError(f"{cell!r} is no {column}")


def _one_of(column: str, cell: str, known: Container[str]) -> str:
    if cell not in known:
        raise ValueError(f"{cell!r} is no {column}")
    return cell


_table = cache(read_looks)


def look_of(tags: Mapping[str, str], dimension: int) -> Look | None:
    """Give the look of a point (0), a line (1) or an area (2); ``None``: nothing can be seen."""
    return _look_of(tuple(tags.items()), "PLA"[dimension])


def stamp_look(stamp: Stamp) -> Look:
    """Give the look that a stamp names."""
    return _table().looks[stamp.key]["P", stamp.value]


@lru_cache(8192)
def _look_of(pairs: tuple[tuple[str, str], ...], dimension: str) -> Look | None:
    tags = dict(pairs)
    for key, looks in _table().looks.items():
        value = first(tags, key)
        if value and value != "no":
            look = looks.get((dimension, value)) or looks.get((dimension, "*"))
            if look is not None:
                return _sized(_changed(look, tags), tags)
    return generic_look(tags, dimension)


def _changed(look: Look, tags: Mapping[str, str]) -> Look:
    changes = _table().changes
    for key in look.takes:
        value = first(tags, key.rpartition("/")[2])
        change = changes.get((key, value)) or (changes.get((key, "*")) if value else None)
        if change and value != "no":
            look = replace(look, **change)
        elif key.endswith("colour") and value and look.colour:
            look = replace(look, colour=(_named(value, look.colour[0]),))
    return look


def _named(value: str, tint: Tint) -> Tint:
    """Give a tint in the colour that a tag names, faded; the tint itself if it names none."""
    try:
        colour = rgb(value.replace("_", "").replace(" ", ""))
    except ValueError:
        return tint
    return tint._replace(colour=mix(colour, (128, 128, 128), _FADED), plant="")


def _sized(look: Look, tags: Mapping[str, str]) -> Look:
    """Give a look the sizes that an object's tags name."""
    height, width = look.height, look.width
    if look.layer == Layer.ROOF and (floors := metres(tags, "building:levels", 0, 160)) is not None:
        height = (floors + (metres(tags, "roof:levels", 0, 10) or 0.5)) * _STOREY
    if "lanes" in look.takes and (lanes := metres(tags, "lanes", 1, 12)):
        width = lanes * 3.2 + 0.6
    for key in ("diameter", "diameter_crown", "rotor:diameter", "width"):
        width = (width and metres(tags, key, 0.2, 260)) or width
    length = look.length * width / look.width if look.form == "box" and look.width else look.length
    height = (height and metres(tags, "height", 0.2, 900)) or height
    return replace(look, width=width, length=length, height=height)


def use_look(tags: Mapping[str, str]) -> Look | None:
    """Give the mark on a roof for the use of the house, if it is visible."""
    return generic_look({key: value for key, value in tags.items() if key in _USES}, "P")


def generic_look(tags: Mapping[str, str], dimension: str) -> Look | None:
    """Give a look drawn from the first tag that can be seen: the same tag, the same look."""
    for key, value in tags.items():
        if len(key) <= 64 and len(value) <= 64:
            entry = tag_vocab.look_up(key, value)
            if entry.groundable and entry.max_gsd is not None:
                return _generic(f"{key}={value}", entry.max_gsd, dimension)
    return None


@cache
def _generic(tag: str, max_gsd: float, dimension: str) -> Look:
    rng = chance.generator(0, tag, "look")
    ground, mark = (
        Tint((r, g, b), material=0) for r, g, b in rng.integers(70, 235, (2, 3)).tolist()
    )
    step = 4.0 * 3.0 ** rng.random() * max(0.5, min(max_gsd, 6.0))
    kind = ("stripes", "lattice", "blocks", "dots")[rng.integers(4)]
    pattern = Pattern(kind, mark, step, step, 0.25 + 0.25 * rng.random())
    look = Look(colour=(ground,), pattern=pattern)
    if dimension == "A":
        return look
    if dimension == "L":
        width = min(max(0.5, 2.5 * max_gsd), 12.0)
        return replace(look, layer=Layer.LOW, width=width, mark=marks()["generic line"])
    return replace(
        look,
        layer=Layer.THING,
        width=min(max(0.7, max_gsd * 7), 40.0),  # it measures seven pixels at its maximum GSD
        height=min(max_gsd * 4, 3.0),
        form=FORMS[rng.integers(2)],
        mark=marks()[f"generic {rng.integers(6)}"],
    )
