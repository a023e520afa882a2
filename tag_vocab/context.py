"""Tags that show only in the company of others, and objects that are not there to be seen.

``context.csv``: key, value (``*``: any), needs, without, reason. The tag is silent if the object
has none of the tags of ``needs``, or one of the tags of ``without``. A bar separates the tags; a
key alone stands for any value but ``no``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from tag_vocab import files

GONE = "not there to be seen: gone, planned, or inside a building or under ground by its level"

_GONE = ("demolished", "razed", "removed", "proposed", "planned")
_LEVEL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_STANDS_OUT = frozenset({"building", "building:part", "bridge", "ramp"})
"""Keys whose objects show whatever their level."""


class _Rule(NamedTuple):
    needs: tuple[tuple[str, str], ...]
    without: tuple[tuple[str, str], ...]
    reason: str


def why_silent(key: str, value: str, tags: Mapping[str, str]) -> str | None:
    """Give the reason why a tag does not show on an object with these tags; None if it does."""
    for rule in _rules().get((key, value), ()) or _rules().get((key, files.ANY), ()):
        if rule.needs and not any(_has(tags, *tag) for tag in rule.needs):
            return rule.reason
        if any(_has(tags, *tag) for tag in rule.without):
            return rule.reason
    return None


def is_gone(tags: Mapping[str, str]) -> bool:
    """Tell whether nothing of an object can be seen: it is gone or planned, or on an inner level.

    An object of the levels 2, 3 or -1 is inside a building or under ground, unless it is itself a
    building or a bridge, on a roof, or outdoors. Level 0 may be either.
    """
    if any(tags.get(key, "no") != "no" for key in _GONE):
        return True
    level = tags.get("level")
    if level is None or not _STANDS_OUT.isdisjoint(tags):
        return False
    if tags.get("location") in ("roof", "rooftop", "outdoor") or tags.get("indoor") == "no":
        return False
    floors = [float(floor) for floor in _LEVEL.findall(level[:40])]
    return bool(floors) and all(floor < 0 or floor >= 1 for floor in floors)


@functools.cache
def deciding_keys() -> frozenset[str]:
    """Give the keys whose tags decide whether other tags show."""
    rules = [rule for rules in _rules().values() for rule in rules]
    named = {key for rule in rules for key, _ in (*rule.needs, *rule.without)}
    return frozenset(named | _STANDS_OUT | {*_GONE, "level", "location", "indoor"})


def _has(tags: Mapping[str, str], key: str, value: str) -> bool:
    return key in tags and (tags[key] == value if value else tags[key] != "no")


@functools.cache
def _rules() -> dict[tuple[str, str], tuple[_Rule, ...]]:
    found: dict[tuple[str, str], tuple[_Rule, ...]] = {}
    for _, row in files.shipped_rows("context.csv", "key,value,needs,without,reason"):
        tag = (row["key"], row["value"])
        rule = _Rule(_tags(row["needs"]), _tags(row["without"]), row["reason"])
        found[tag] = (*found.get(tag, ()), rule)
    return found


def _tags(cell: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition("=") for part in cell.split(" | ") if part)
    return tuple((key, value) for key, _, value in pairs)
