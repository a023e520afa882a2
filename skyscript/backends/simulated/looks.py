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

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache, lru_cache
from itertools import count, product
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, PlainValidator, TypeAdapter

import tag_vocab
from skyscript import chance
from skyscript.backends.simulated.marks import Mark, marks
from skyscript.backends.simulated.relief import MOTIFS, RIDGES, Motif, Ridge
from skyscript.backends.simulated.tables import Tint, each_row, first, metres, mix, rgb, tint

COLUMNS = (
    *("key", "value", "dimension", "layer", "colour", "pattern", "edge", "width", "length"),
    *("height", "ridge", "form", "mark", "stamp", "takes"),
)
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


def _one_of(known: Callable[[], Mapping[str, Any]]) -> PlainValidator:
    """Give what makes a cell the value of that name."""

    def find(cell: str) -> Any:  # noqa: ANN401 - what the mapping holds
        if cell not in known():
            raise ValueError(f"there is no {cell!r}")
        return known()[cell]

    return PlainValidator(find)


_WORDS = BeforeValidator(str.split)
_LAYERS = {name.lower(): layer for name, layer in Layer.__members__.items()}
_MOTIFS = {**MOTIFS, "rings": None}
_Tint = Annotated[Tint, BeforeValidator(tint)]


class Pattern(NamedTuple):
    """What repeats: a motif, or rings within each other."""

    motif: Annotated[Motif | None, _one_of(lambda: _MOTIFS)]
    """None: rings."""
    tint: _Tint
    along: float = 10.0
    """Metres of a period along the area's long side; of rings: their number."""
    across: float = 3.0
    share: float = 0.3
    """The share of the period that the motif fills; for rings, how much smaller the next is."""


class Stamp(NamedTuple):
    """Another look that is repeated on top of this one."""

    name: str
    """Its key and value."""
    every: float
    """Metres between places, along the long side of an area or along a line."""
    second: float
    """In rows, metres across the long side; scattered or along a line, the share taken."""
    third: float | None = None
    """In rows, the share taken; along a line, metres beside it."""


@dataclass(frozen=True)
class Look:
    """How something is painted: its fields are columns of the table, by pydantic."""

    layer: Annotated[Layer, _one_of(lambda: _LAYERS)] = Layer.GROUND
    colour: Annotated[tuple[_Tint, ...], BeforeValidator(lambda cell: cell.split("|"))] = ()
    """The fill: of several the object draws one; none is not filled."""
    pattern: Annotated[Pattern | None, _WORDS] = None
    edge: Annotated[tuple[_Tint, float] | None, _WORDS] = None
    """The surroundings of a look, and their width in metres."""
    width: float = 0.0
    """Metres: of a line or a point."""
    length: float = 0.0
    height: float = 0.0
    """Metres: it throws a shadow."""
    ridge: Annotated[Ridge | None, _one_of(lambda: RIDGES)] = None
    form: Literal["disc", "box", "along", "across"] = "disc"
    """The shape of a point."""
    mark: Annotated[Mark | None, _one_of(marks)] = None
    stamp: Annotated[Stamp | None, _WORDS] = None
    takes: Annotated[tuple[str, ...], _WORDS] = ()
    row: int = 0


class Table(NamedTuple):
    """The looks and the changes, ready to be looked up."""

    looks: dict[str, dict[tuple[str, str], Look]]
    """Key (in the order of the table) -> (dimension, value) -> look."""
    changes: dict[tuple[str, str], dict[str, Any]]


def read_looks(lines: Iterable[str] | None = None) -> Table:
    """Read a table of looks, by default looks.csv; raises `InputError` naming the line."""
    table = Table({}, {})
    rows, adapter = count(), TypeAdapter(Look)

    def take(row: dict[str, str]) -> None:
        if not row["dimension"] or set(row["dimension"]) - set("PLA+"):
            raise ValueError("the dimension must be P, L, A (one or more) or +")
        given = {column: cell for column, cell in row.items() if column in COLUMNS[3:] and cell}
        filled = {column: cell for column, cell in given.items() if cell != "-"}
        look = replace(adapter.validate_python(filled), row=next(rows))
        fields = {column: getattr(look, column) for column in given}
        for key, value in product(row["key"].split(), row["value"].split()):
            for dimension in row["dimension"]:
                if dimension == "+":
                    table.changes.setdefault((key, value), fields)
                elif "/" not in key:
                    table.looks.setdefault(key, {}).setdefault((dimension, value), look)

    each_row("looks.csv", COLUMNS, take, lines)
    return table


_table = cache(read_looks)


def look_of(tags: Mapping[str, str], dimension: int) -> Look | None:
    """Give the look of a point (0), a line (1) or an area (2); ``None``: nothing can be seen."""
    return _look_of(tuple(tags.items()), "PLA"[dimension])


def stamp_look(stamp: Stamp) -> Look:
    """Give the look that a stamp names."""
    key, _, value = stamp.name.partition("=")
    return _table().looks[key]["P", value]


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
    motif = MOTIFS[("stripes", "lattice", "blocks", "dots")[rng.integers(4)]]
    pattern = Pattern(motif, mark, step, step, 0.25 + 0.25 * rng.random())
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
        form="disc" if rng.integers(2) else "box",
        mark=marks()[f"generic {rng.integers(6)}"],
    )
