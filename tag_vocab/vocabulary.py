"""Whether a tag can be seen from above, and down to which resolution."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from tag_vocab import files

_WORD = re.compile(r"[a-z][a-z0-9_ \-]{0,39}")
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:[.,][0-9]{1,6})?(?: ?[A-Za-z/²%'\"]{1,8})?")
_MOST_PARTS = 8


class TagEntry(NamedTuple):
    """The vocabulary's answer for one tag."""

    groundable: bool
    """The tag can be seen in an image taken from straight above."""
    max_gsd: float | None
    """The coarsest image in which it still can, in metres a pixel; None if it cannot be seen."""
    source: Literal["label", "key", "default"]
    """A hand label of the tag, the rule of its key, or neither (then it is not groundable)."""
    reason: str
    """A few words: what shows it, or why nothing does."""


_UNKNOWN = TagEntry(False, None, "default", "neither the tag nor its key is in the vocabulary")
_OTHER_VALUE = TagEntry(False, None, "key", "not a value that the key's rule knows")


@functools.lru_cache(maxsize=1 << 15)
def look_up(key: str, value: str) -> TagEntry:
    """Give the answer for a tag, whatever it holds: label first, then rule of the key, then no.

    Several values (``tennis;basketball``) are as visible as the best of them.
    """
    label = files.labels().get((key, value)) or files.labels().get((files.ANY, value))
    if label:
        return TagEntry(label.groundable, label.max_gsd, "label", label.reason)
    rule = _rule(key)
    if rule is None:
        return _UNKNOWN
    if rule.rule != "never" and ";" in value:
        parts = [part.strip() for part in value.split(";", _MOST_PARTS)[:_MOST_PARTS]]
        return max((look_up(key, part) for part in parts), key=lambda entry: entry.max_gsd or 0.0)
    if rule.judgement.groundable and not _fits(rule, value):
        return _OTHER_VALUE
    return TagEntry(rule.judgement.groundable, rule.judgement.max_gsd, "key", rule.judgement.reason)


@functools.cache
def groundable_keys() -> frozenset[str]:
    """Give the keys of which at least one value can be seen."""
    by_label = {key for (key, _), label in files.labels().items() if label.groundable}
    by_rule = {key for key, rule in files.key_rules().items() if rule.judgement.groundable}
    return frozenset(by_label | by_rule)


def is_attribute(key: str) -> bool:
    """Tell whether a key tells of a thing that another tag names (surface, crop, roof:shape)."""
    rule = _rule(key)
    return rule is None or rule.role == "attribute"


def max_gsd(tags: Mapping[str, str]) -> float | None:
    """Give the coarsest GSD, in metres, at which an object shows; None if it never does.

    The largest over its things: an attribute is seen only where what it belongs to is seen.
    """
    gsds = [look_up(*tag).max_gsd for tag in tags.items() if not is_attribute(tag[0])]
    return max((gsd for gsd in gsds if gsd is not None), default=None)


def visible(tags: Mapping[str, str], gsd: float) -> dict[str, str]:
    """Give the tags that can be seen at a GSD in metres, in the given order.

    None of them where only attributes would be left.
    """
    seen = {key: value for key, value in tags.items() if (look_up(key, value).max_gsd or 0) >= gsd}
    return seen if not all(is_attribute(key) for key in seen) else {}


def _rule(key: str) -> files.KeyRule | None:
    rules = files.key_rules()
    return next((rules[name] for name in _families(key) if name in rules), None)


def _families(key: str) -> Iterator[str]:
    """Yield the key, then ``a:b:*``, ``a:*`` and ``*:b:c``, ``*:c`` for ``a:b:c``."""
    yield key
    if len(key) <= 255:  # OSM's own limit; beyond it nothing is known, and nothing is searched
        colons = [place for place, letter in enumerate(key) if letter == ":"]
        yield from (f"{key[:place]}:{files.ANY}" for place in reversed(colons))
        yield from (f"{files.ANY}{key[place:]}" for place in colons)


def _fits(rule: files.KeyRule, value: str) -> bool:
    pattern = _WORD if rule.rule == "word" else _NUMBER
    return pattern.fullmatch(value) is not None
