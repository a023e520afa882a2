"""Whether a tag can be seen from above, and up to which GSD."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from tag_vocab import deprecated, files

_WORD = re.compile(r"[a-z][a-z0-9_ \-]{0,39}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_MOST_PARTS = 8


class TagEntry(NamedTuple):
    """The vocabulary's answer for one tag."""

    groundable: bool
    """Whether the tag can be seen in an image from straight above."""
    max_gsd: float | None
    """The coarsest GSD in metres at which it can be seen; None if it cannot be seen."""
    source: Literal["own", "label", "model", "key", "default"]
    """Who decided: a label of the user, a shipped label, the classifiers, the rule of the key, or
    none of them (then the tag is not groundable)."""
    reason: str
    """A few words: what makes it visible, or why it is not."""
    probability: float = 0.0
    """The probability that the tag is visible: the classifiers' estimate; 1 or 0 if a label or a
    rule decided."""


_UNKNOWN = TagEntry(False, None, "default", "neither the tag nor its key is in the vocabulary")
_GUESSED = "guessed from similar tags that have a label"
_OTHER_VALUE = TagEntry(False, None, "key", "the rule of the key does not know this value")


@functools.lru_cache(maxsize=1 << 15)
def look_up(key: str, value: str) -> TagEntry:
    """Give the answer for any tag.

    The first of these that exists: its label; the answer for today's spelling of an old tag; the
    classifiers' answer in the shipped vocabulary; the rule of its key; "not visible". A value that
    holds several (``tennis;basketball``) is as visible as the best of them.
    """
    entry = decide(key, value)
    if entry.source != "label" and (guess := files.guesses().get((key, value))):
        return entry_of_guess(guess)
    return entry


def decide(key: str, value: str) -> TagEntry:
    """Give the answer without the classifiers: by label, today's spelling, or rule of the key.

    The vocabulary is built from these answers, so an earlier vocabulary cannot influence it.
    """
    return _labelled(key, value) or _renamed(key, value) or _by_rule(key, value)


def _labelled(key: str, value: str) -> TagEntry | None:
    label = files.labels().get((key, value)) or files.labels().get((files.ANY, value))
    return _judged("label", label) if label else None


def entry_of_guess(guess: files.Guess) -> TagEntry:
    """Give the answer for a guess of the classifiers."""
    return TagEntry(guess.groundable, guess.max_gsd, "model", _GUESSED, guess.probability)


def _renamed(key: str, value: str) -> TagEntry | None:
    """Give the best answer for today's spelling of an old tag; None if the tag is not old."""
    today = deprecated.modernise({key: value})
    if today == {key: value} or not today:
        return None
    entries = [_labelled(*tag) or _by_rule(*tag) for tag in today.items()]
    best = max(entries, key=lambda entry: entry.max_gsd or 0.0)
    spelling = " + ".join(f"{name}={word}" for name, word in today.items())
    return best._replace(reason=f"today {spelling}: {best.reason}")


def _by_rule(key: str, value: str) -> TagEntry:
    rule = key_rule(key)
    if rule is None:
        return _UNKNOWN
    if rule.rule != "never" and ";" in value:
        parts = (decide(key, part) for part in split_values(value))
        return max(parts, key=lambda entry: entry.max_gsd or 0.0, default=_OTHER_VALUE)
    known = is_word(value) if rule.rule == "word" else _is_number(value, rule.numbers)
    if rule.judgement.groundable and not known:
        return _OTHER_VALUE
    return _judged("key", rule.judgement)


def _judged(source: Literal["label", "key"], judgement: files.Judgement) -> TagEntry:
    seen, gsd, reason = judgement
    return TagEntry(seen, gsd, source, reason, float(seen))


@functools.cache
def groundable_keys() -> frozenset[str]:
    """Give the keys that have at least one visible value."""
    by_label = {key for (key, _), label in files.labels().items() if label.groundable}
    by_rule = {key for key, rule in files.key_rules().items() if rule.judgement.groundable}
    return frozenset(by_label | by_rule)


def never_visible(key: str) -> bool:
    """Tell whether no value of a key is ever visible."""
    rule = key_rule(key)
    return rule is not None and rule.rule == "never" and key not in deprecated.deprecated_keys()


def needs_classifier(key: str, value: str) -> bool:
    """Tell whether only the classifiers can decide a tag.

    No label, rule or modern spelling decides it, and its value is one plain word.
    """
    rule = key_rule(key)
    return (
        (rule is None or rule.rule == "listed")
        and is_word(value)
        and (key, value) not in files.labels()
        and (files.ANY, value) not in files.labels()
        and deprecated.modernise({key: value}) == {key: value}
    )


def split_values(value: str) -> tuple[str, ...]:
    """Give the distinct values of ``tennis;basketball``; of a great many, the first ones."""
    parts = (part.strip() for part in value.split(";", _MOST_PARTS)[:_MOST_PARTS])
    return tuple(dict.fromkeys(part for part in parts if part))


def join_values(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give tags by key; several values of a key are joined by a semicolon."""
    joined: dict[str, str] = {}
    for key, value in tags:
        joined[key] = f"{joined[key]};{value}" if key in joined else value
    return joined


def is_word(value: str) -> bool:
    """Tell whether a value is one plain word, as in a fixed list of values, and not free text."""
    return _WORD.fullmatch(value) is not None


def said_value(key: str, value: str) -> str:
    """Give the value that a caption says of a visible tag: ``yes`` for an unknown building.

    A misspelt value is said as what it means.

    A key with the rule ``word`` shows a thing whatever its value; only labelled values are said.
    """
    value = files.spellings().get((key, value), value)
    rule = files.key_rules().get(key)
    known = rule is None or rule.rule != "word" or (key, value) in files.labels()
    return value if known else "yes"


def _is_number(value: str, numbers: range) -> bool:
    return _NUMBER.fullmatch(value) is not None and int(value) in numbers


def is_attribute(key: str) -> bool:
    """Tell whether a key describes a thing that another tag names (surface, crop, roof:shape)."""
    rule = key_rule(key)
    return rule is None or rule.role == "attribute"


@functools.lru_cache(maxsize=10_000)
def key_rule(key: str) -> files.KeyRule | None:
    """Give the rule of a key or of its family; None if there is none."""
    rules = files.key_rules()
    return next((rules[name] for name in _families(key) if name in rules), None)


def _families(key: str) -> Iterator[str]:
    """Yield the key, then ``a:b:*``, ``a:*`` and ``*:b:c``, ``*:c`` for ``a:b:c``."""
    yield key
    if len(key) <= 255:  # OSM's own limit; longer keys have no rule
        colons = [place for place, letter in enumerate(key) if letter == ":"]
        yield from (f"{key[:place]}:{files.ANY}" for place in reversed(colons))
        yield from (f"{files.ANY}{key[place:]}" for place in colons)
