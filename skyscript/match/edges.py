"""Which objects have an edge in an image, and how wide their lines are.

``edges.csv`` names tags: ``line_width`` is the usual width in metres of a line with the tag (empty:
the line has no edge of its own; 0: it is an edge itself, like a coast), ``area`` says that the
outline of an area with it is an edge. Outlines that nobody can see from above are missing, such as
those of land use in towns, of parks and of boundaries. Wide rivers are areas in OSM; the line in
their middle is none of their edges.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from skyscript.osm.underground import hidden_from_above
from tag_vocab import Vocabulary

_FINEST = 0.01
"""GSD in metres at which every groundable tag can be seen."""
_LANE = 3.25
"""Metres of a lane."""
_WIDEST = 100.0
"""Metres; a greater width is a mistake."""
_AREAS = frozenset("ar")


class _Looks(NamedTuple):
    line_width: float | None
    area: bool


@cache
def _table() -> Mapping[tuple[str, str], _Looks]:
    text = resources.files("skyscript.match").joinpath("edges.csv").read_text("utf-8")
    return {
        (row["key"], row["value"]): _Looks(
            float(row["line_width"]) if row["line_width"] else None, row["area"] == "yes"
        )
        for row in csv.DictReader(text.splitlines())
    }


def edge_width(kind: str, tags: Mapping[str, str], words: Vocabulary) -> float | None:
    """Give the width in metres of an object whose edges can be seen; None of any other.

    The width is 0 if the geometry itself is the edge: the outline of an area, a coast. The edges of
    a wider line are on both its sides. ``kind`` is ``n``, ``w``, ``a`` or ``r``.
    """
    if kind == "n" or hidden_from_above(tags):
        return None
    for key, value in words.visible(tags, _FINEST).items():
        looks = _table().get((key, value.split(";")[0])) or _table().get((key, "*"))
        if looks is None:
            continue
        if kind in _AREAS and looks.area:
            return 0.0
        if kind == "w" and looks.line_width is not None:
            return looks.line_width and _tagged_width(tags, looks.line_width)
    return None


def _tagged_width(tags: Mapping[str, str], usual: float) -> float:
    """Give the width that the tags state, in metres, or that of the lanes, or the usual one."""
    for key, unit in (("width", 1.0), ("lanes", _LANE)):
        try:
            width = float(tags.get(key, "").removesuffix("m")) * unit
        except ValueError:
            continue
        if math.isfinite(width) and 0 < width <= _WIDEST:
            return width
    return usual
