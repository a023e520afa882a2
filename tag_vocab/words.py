"""The phrase of a tag in SkyScript's captions, and the order of an object's tags.

The rules are read off published captions. Frequent tags come before rare ones (``frequency.csv``),
things and attributes alike, then frequent keys before rare ones. To change the order, change the
file.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable

from tag_vocab import files

_MAJOR_ROADS = frozenset(
    f"{road}{link}" for road in ("motorway", "trunk", "primary") for link in ("", "_link")
)
"""These are phrased "highway of ..."; all other values of the key "road of ..."."""

_NO_CONNECTOR = frozenset({"power", "man_made", "natural"})

_MARKS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
"""Marks of direction, and of byte order: they would turn the rest of the caption around."""
_SPACES = (
    {ord("_"): " ", ord(":"): " "}
    | dict.fromkeys([*range(32), *range(127, 160), 0x2028, 0x2029], " ")
    | dict.fromkeys(_MARKS, "")
)
"""A caption is one line: control characters and line ends of a broken tag become spaces too, and
marks of direction go."""


def phrase(key: str, value: str) -> str:
    """Give the phrase of a tag: "road of residential", "power pole", "building" (for yes)."""
    name = _key_words(key, value)
    if value == "yes":
        return name
    connector = " " if key in _NO_CONNECTOR else " of "
    return f"{name}{connector}{value.translate(_SPACES)}"


def most_frequent_first(tags: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Sort (key, value) pairs into the order in which a caption names them."""
    count, by_key = files.frequency(), _count_by_key()

    def place(tag: tuple[str, str]) -> tuple[int, int, str]:
        return -count.get(tag, 0), -by_key[tag[0]], tag[0]

    return sorted(tags, key=place)


def _key_words(key: str, value: str) -> str:
    if key == "highway":
        return "highway" if value in _MAJOR_ROADS else "road"
    if key == "leisure":
        return "leisure land"
    words = ("airport" if word == "aeroway" else word for word in key.split(":"))
    return " ".join(words).translate(_SPACES)


@functools.cache
def _count_by_key() -> Counter[str]:
    totals: Counter[str] = Counter()
    for (key, _), count in files.frequency().items():
        totals[key] += count
    return totals
