"""Replaces old spellings of tags by today's, and misspellings by right ones.

The rules are those of the iD editor's tagging schema (``deprecated.csv``, see NOTICE.md). `` + ``
joins the tags of a rule. On the left, ``*`` is any value. On the right, ``$1`` is that value, and
``*`` keeps the value that the key has, else ``yes``. Misspellings (``spellings.csv``) are put right
in the same way.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tag_vocab import files

_MOST_STEPS = 8
"""No chain of iD's rules is longer than three; this also ends a cycle in a later edition."""


class Rule(NamedTuple):
    """Old tags, and the tags that replace them today (maybe none)."""

    old: tuple[tuple[str, str], ...]
    new: tuple[tuple[str, str], ...]


def modernise(tags: Mapping[str, str]) -> dict[str, str]:
    """Give an object's tags in today's spelling, each at the position of the tag it replaces.

    A rule applies if the object has all its old tags. It never overwrites another tag.
    """
    result = dict(tags)
    for _ in range(_MOST_STEPS):
        rule = _first_that_applies(result)
        if rule is None:
            break
        result = _apply(rule, result)
    return result


@functools.cache
def deprecated_keys() -> frozenset[str]:
    """Give the keys of tags that have a new spelling whatever other tags the object has."""
    return frozenset(
        key
        for (key, _), rules in _rules_by_tag().items()
        if any(len(rule.old) == 1 for rule in rules)
    )


@functools.cache
def replaced_keys() -> frozenset[str]:
    """Give the keys of all tags that a rule may replace."""
    rules = (rule for found in _rules_by_tag().values() for rule in found)
    return frozenset(key for rule in rules for key, _ in rule.old)


def _first_that_applies(tags: dict[str, str]) -> Rule | None:
    """Give the applicable rule with the most old tags: special rules precede general ones."""
    if _first_keys().isdisjoint(tags):
        return None
    by_tag = _rules_by_tag()
    found = [
        rule
        for key, value in tags.items()
        for old in ((key, value), (key, files.ANY))
        if old in by_tag
        for rule in by_tag[old]
        if all(_matches(tags, *tag) for tag in rule.old)
    ]
    if not found:
        return None
    # The object may have the new tags already (highway=platform + public_transport=platform).
    changing = (rule for rule in found if _apply(rule, tags) != tags)
    return max(changing, key=lambda rule: len(rule.old), default=None)


def _matches(tags: Mapping[str, str], key: str, value: str) -> bool:
    return key in tags and value in (files.ANY, tags[key])


def _apply(rule: Rule, tags: dict[str, str]) -> dict[str, str]:
    any_value = next((tags[key] for key, value in rule.old if value == files.ANY), "")
    leaves = {key for key, _ in rule.old}
    result: dict[str, str] = {}
    for key, value in tags.items():
        if key not in leaves:
            result[key] = value
        elif key == rule.old[0][0]:
            for name, word in rule.new:
                if name in leaves or name not in tags:
                    result[name] = {"$1": any_value, files.ANY: tags.get(name, "yes")}.get(
                        word, word
                    )
    return result


@functools.cache
def _rules_by_tag() -> dict[tuple[str, str], tuple[Rule, ...]]:
    """Give the rules by their first old tag; its value may be `files.ANY`."""
    by_tag: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for rule in (*_of_id(), *_of_spellings()):
        if set(rule.old) != set(rule.new):
            by_tag[rule.old[0]] = (*by_tag.get(rule.old[0], ()), rule)
    return by_tag


def deprecations() -> Iterator[tuple[str, str]]:
    """Yield the rules of deprecated.csv as unparsed texts (old, new)."""
    for _, row in files.shipped_rows("deprecated.csv", "old,new"):
        yield row["old"], row["new"]


def _of_id() -> Iterator[Rule]:
    yield from (Rule(_tags(old), _tags(new)) for old, new in deprecations())


def _of_spellings() -> Iterator[Rule]:
    for (key, value), meant in files.spellings().items():
        yield Rule(((key, value),), ((key, meant),))


@functools.cache
def _first_keys() -> frozenset[str]:
    return frozenset(key for key, _ in _rules_by_tag())


@functools.cache
def keys_of_rules() -> frozenset[str]:
    """Give the keys of all old and new tags: only they affect, or come from, a new spelling."""
    rules = [rule for rules in _rules_by_tag().values() for rule in rules]
    return frozenset(key for rule in rules for key, _ in (*rule.old, *rule.new))


def _tags(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition("=") for part in text.split(" + ") if part)
    return tuple((key, value) for key, _, value in pairs)
