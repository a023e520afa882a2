"""The size of what each label names, and the GSD and the extent of view that follow from it.

The kind and the size in metres stand in ``labels.csv``. The size is that of the telling detail: the
thing itself, or the part that tells it from other things. A label whose maximum GSD is not the
computed one says in its reason why, after ``coarser:`` or ``finer:``.
"""

from __future__ import annotations

import functools
import math
from typing import Literal, NamedTuple, cast, get_args

from tag_vocab import files

SizeKind = Literal["compact", "line", "extent", "texture"]
PIXELS: dict[SizeKind, int] = {"compact": 5, "line": 2, "extent": 8, "texture": 2}
"""Pixels that a thing needs: across a compact thing, the width of a line, an extent, and one period
of a texture (rows, waves, stripes)."""

Tag = tuple[str, str]


class Size(NamedTuple):
    """How large the thing that a label names is: its kind of extent, and its typical metres."""

    kind: SizeKind
    metres: float


@functools.cache
def sizes() -> dict[Tag, Size]:
    """Give the sizes of the visible labels by (key, value).

    Raises `ValueError` that names file and line if a size is missing, or does not fit the GSD.
    """
    found = {}
    for where, row in files.shipped_rows("labels.csv", files.LABELS):
        if row["groundable"] != "yes":
            if row["kind"] or row["size"]:
                raise ValueError(f"{where}: a tag that is not groundable has no kind and no size.")
            continue
        size = _size(where, row)
        given, computed = float(row["max_gsd"]), computed_gsd(size)
        says_why = "coarser: " in row["reason"] or "finer: " in row["reason"]
        if (given != computed) != says_why:
            raise ValueError(
                f"{where}: max_gsd is {given:g}, and {size.kind} of {size.metres:g} m gives "
                f"{computed}; the reason must say why, after 'coarser: ' or 'finer: ', only if "
                "they differ."
            )
        found[row["key"], row["value"]] = size
    return found


def computed_gsd(size: Size) -> float | None:
    """Give the coarsest of `files.GSDS` at which a thing has its pixels; None if there is none."""
    limit = size.metres / PIXELS[size.kind] * (1 + 1e-9)
    return max((gsd for gsd in files.GSDS if gsd <= limit), default=None)


def _size(where: str, row: dict[str, str]) -> Size:
    try:
        metres = float(row["size"])
    except ValueError:
        metres = 0.0
    if row["kind"] not in get_args(SizeKind) or not 0 < metres <= 10_000:
        raise ValueError(f"{where}: needs a kind and a size in metres.")
    return Size(cast(SizeKind, row["kind"]), metres)


_TILE = 512
"""Pixels across a large tile, for the largest view."""


class View(NamedTuple):
    """The extents of view, in metres, in which a tile shows enough of what a tag names."""

    least: float
    """A smaller tile shows a part that could be anything: water of a river, lawn of a hospital."""
    most: float
    """In a larger tile the thing is lost, whatever its GSD."""

    def why_outside(self, extent: float) -> str:
        """Give the reason why a tile of an extent shows no such thing; empty if it does."""
        if extent < self.least:
            return f"needs a tile of {self.least:g} m, and this one has {extent:.0f} m"
        if extent > self.most:
            return (
                f"is lost in a tile of more than {self.most:g} m, and this one has {extent:.0f} m"
            )
        return ""


ANY_VIEW = View(0.0, math.inf)
"""The view of a tag without a size."""


@functools.cache
def view_of(key: str, value: str) -> View:
    """Give the extents of view of a tag; any without a size.

    The least is the size: the whole thing or telling detail, both banks of a river, two periods of
    a texture. The most is that of a tile of 512 pixels at the label's maximum GSD. Both are for
    objects whose own extent is not known: nodes and lines.
    """
    size = sizes().get((key, value))
    if size is None:
        return ANY_VIEW
    periods = 2 if size.kind == "texture" else 1
    max_gsd = files.labels()[key, value].max_gsd or math.inf
    return View(periods * size.metres, max(max_gsd * _TILE, periods * size.metres))
