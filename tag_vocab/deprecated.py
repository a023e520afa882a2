"""Old spellings of tags, put into today's.

The rules are those of the iD editor's tagging schema (``deprecated.csv``, see NOTICE.md). Tags of a
rule are joined by `` + ``. On the left ``*`` is any value; on the right ``$1`` is that value, and
``*`` keeps what the key has, or says yes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

from tag_vocab import files

_MOST_STEPS = 8
"""No chain of iD's rules is longer than three; a cycle in a later edition ends here."""


class Rule(NamedTuple):
    """Tags that are no longer used, and what stands for them today (maybe nothing)."""

    old: tuple[tuple[str, str], ...]
    new: tuple[tuple[str, str], ...]


def current(tags: Mapping[str, str]) -> dict[str, str]:
    """Give an object's tags in today's spelling, each in the place of the one it replaces.

    A rule applies where all its old tags are there; it never overwrites a tag that is there too.
    """
    result = dict(tags)
    for _ in range(_MOST_STEPS):
        rule = _first_that_applies(result)
        if rule is None:
            break
        result = _apply(rule, result)
    return result


@functools.cache
def renamed_keys() -> frozenset[str]:
    """Give the keys of tags that have another spelling today, whatever else an object carries."""
    return frozenset(
        key
        for (key, _), rules in _rules_by_tag().items()
        if any(len(rule.old) == 1 for rule in rules)
    )


def _first_that_applies(tags: dict[str, str]) -> Rule | None:
    """Give the rule of the most old tags, as the special one precedes the general."""
    by_tag = _rules_by_tag()
    found = [
        rule
        for key, value in tags.items()
        for asked in ((key, value), (key, files.ANY))
        if asked in by_tag
        for rule in by_tag[asked]
        if all(_matches(tags, *tag) for tag in rule.old)
    ]
    if not found:
        return None
    # What it adds may be there already (highway=platform + public_transport=platform).
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
    """Give the rules by their first old tag, whose value may be `files.ANY`."""
    by_tag: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for old, new in files.deprecations():
        rule = Rule(_tags(old), _tags(new))
        if set(rule.old) != set(rule.new):
            by_tag[rule.old[0]] = (*by_tag.get(rule.old[0], ()), rule)
    return by_tag


def _tags(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition("=") for part in text.split(" + ") if part)
    return tuple((key, value) for key, _, value in pairs)
