"""Whether a tag can be seen from above, and down to which resolution."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tag_vocab import deprecated, files

_WORD = re.compile(r"[a-z][a-z0-9_ \-]{0,39}")
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:[.,][0-9]{1,6})?(?: ?[A-Za-z/²%'\"]{1,8})?")
_MOST_PARTS = 8


class TagEntry(NamedTuple):
    """The vocabulary's answer for one tag."""

    groundable: bool
    """The tag can be seen in an image taken from straight above."""
    max_gsd: float | None
    """The coarsest image in which it still can, in metres a pixel; None if it cannot be seen."""
    source: Literal["own", "label", "model", "key", "default"]
    """A label of the user's own, a label that ships, the classifiers, the rule of its key, or
    none of them (then it is not groundable)."""
    reason: str
    """A few words: what shows it, or why nothing does."""
    probability: float = 0.0
    """That it can be seen: the classifiers' estimate; 1 or 0 where a label or a rule decided."""


_UNKNOWN = TagEntry(False, None, "default", "neither the tag nor its key is in the vocabulary")
_GUESSED = "guessed from like tags that have a label"
_OTHER_VALUE = TagEntry(False, None, "key", "not a value that the key's rule knows")


@functools.lru_cache(maxsize=1 << 15)
def look_up(key: str, value: str) -> TagEntry:
    """Give the answer for a tag, whatever it holds.

    The first that there is of: its label; the answer for what is said today in place of an old
    spelling; the classifiers' answer, where the shipped vocabulary holds one; the rule of its key;
    no. Several values (``tennis;basketball``) are as visible as the best of them.
    """
    entry = decided(key, value)
    if entry.source != "label" and (guess := files.guesses().get((key, value))):
        return guessed(guess)
    return entry


def decided(key: str, value: str) -> TagEntry:
    """Give the answer without the classifiers: by label, today's spelling, rule of the key, or no.

    The vocabulary is built from this, so that no earlier one shows in it.
    """
    return _labelled(key, value) or _renamed(key, value) or _by_rule(key, value)


def _labelled(key: str, value: str) -> TagEntry | None:
    label = files.labels().get((key, value)) or files.labels().get((files.ANY, value))
    return _judged("label", label) if label else None


def guessed(guess: files.Guess) -> TagEntry:
    """Give the answer that a guess of the classifiers stands for."""
    return TagEntry(guess.groundable, guess.max_gsd, "model", _GUESSED, guess.probability)


def _renamed(key: str, value: str) -> TagEntry | None:
    """Give the best answer for what stands today for an old spelling; None if it is not one."""
    today = deprecated.current({key: value})
    if today == {key: value} or not today:
        return None
    entries = [_labelled(*tag) or _by_rule(*tag) for tag in today.items()]
    best = max(entries, key=lambda entry: entry.max_gsd or 0.0)
    said = " + ".join(f"{name}={word}" for name, word in today.items())
    return best._replace(reason=f"today {said}: {best.reason}")


def _by_rule(key: str, value: str) -> TagEntry:
    rule = _rule(key)
    if rule is None:
        return _UNKNOWN
    if rule.rule != "never" and ";" in value:
        parts = (decided(key, part) for part in several(value))
        return max(parts, key=lambda entry: entry.max_gsd or 0.0, default=_OTHER_VALUE)
    if rule.judgement.groundable and not _fits(rule, value):
        return _OTHER_VALUE
    return _judged("key", rule.judgement)


def _judged(source: Literal["label", "key"], judgement: files.Judgement) -> TagEntry:
    seen, gsd, reason = judgement
    return TagEntry(seen, gsd, source, reason, float(seen))


@functools.cache
def groundable_keys() -> frozenset[str]:
    """Give the keys of which at least one value can be seen."""
    by_label = {key for (key, _), label in files.labels().items() if label.groundable}
    by_rule = {key for key, rule in files.key_rules().items() if rule.judgement.groundable}
    return frozenset(by_label | by_rule)


def never_visible(key: str) -> bool:
    """Tell whether no value of a key is visible, whatever it says."""
    rule = _rule(key)
    return rule is not None and rule.rule == "never" and key not in deprecated.renamed_keys()


def is_open(key: str, value: str) -> bool:
    """Tell whether a tag is for the classifiers to judge.

    No label, rule or today's spelling decides it, and its value is one plain word.
    """
    rule = _rule(key)
    return (
        (rule is None or rule.rule == "listed")
        and is_word(value)
        and (key, value) not in files.labels()
        and (files.ANY, value) not in files.labels()
        and deprecated.current({key: value}) == {key: value}
    )


def several(value: str) -> tuple[str, ...]:
    """Give the values that stand in one (``tennis;basketball``), each once; of many the first."""
    parts = (part.strip() for part in value.split(";", _MOST_PARTS)[:_MOST_PARTS])
    return tuple(dict.fromkeys(part for part in parts if part))


def is_word(value: str) -> bool:
    """Tell whether a value is one plain word, as values of a fixed list are; free text is not."""
    return _WORD.fullmatch(value) is not None


def key_rule(key: str) -> files.KeyRule | None:
    """Give the rule of a key or of its family; None if there is none."""
    return _rule(key)


def is_attribute(key: str) -> bool:
    """Tell whether a key tells of a thing that another tag names (surface, crop, roof:shape)."""
    rule = _rule(key)
    return rule is None or rule.role == "attribute"


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
