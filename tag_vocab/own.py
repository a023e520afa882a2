"""A user's labels: a CSV file that takes precedence over the shipped vocabulary.

``tag``         key=value, or ``key=*`` for all other values of a key.
``groundable``  yes or no.
``max_gsd``     the coarsest GSD in metres at which it is visible; only if groundable is yes.
``phrase``      its phrase in captions; empty or missing: the shipped phrase.
``reason``      a few words for readers of the table `vocab`; may be missing.

Columns come in any order. ``probability`` and ``source`` are allowed and ignored, so that a file
written by ``skyscript vocab lookup`` can be edited and used.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tag_vocab import deprecated, files
from tag_vocab.files import ANY, csv_rows
from tag_vocab.objects import Vocabulary
from tag_vocab.vocabulary import TagEntry, key_rule

NEEDED = ("tag", "groundable", "max_gsd")
KNOWN = (*NEEDED, "phrase", "reason", "probability", "source")

_MOST_BYTES = 64 << 20
_LONGEST = 255
"""Characters: OSM's own limit of a key and of a value, and ours of a phrase or a reason."""
_COARSEST = 1000.0
"""Metres; a larger GSD is surely a mistake."""
_ALIKE = 0.75
"""The least likeness (`difflib`) of a word to the one that was meant."""
_NO_REASON = "a label of the user"

Tag = tuple[str, str]


class OwnLabel(NamedTuple):
    """A user's answer for a tag."""

    entry: TagEntry
    phrase: str | None


def read_own_labels(path: Path) -> dict[Tag, OwnLabel]:
    """Give a user's labels by (key, value), with old spellings as today's.

    Raises `ValueError` that names file, line and problem, and `OSError` if it cannot be read.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path}: is larger than 64 MiB; name a CSV file of labels.")
    found: dict[Tag, OwnLabel] = {}
    for where, row in csv_rows(str(path), path.read_bytes(), partial(_check_header, path)):
        tag, label = _label(where, row)
        if found.setdefault(tag, label) != label:
            raise ValueError(f"{where}: {tag[0]}={tag[1]} has two labels; keep one row.")
    return found


def with_own_labels(labels: Mapping[Tag, OwnLabel]) -> Vocabulary:
    """Give the shipped vocabulary with a user's labels before it."""
    return Vocabulary(
        {tag: label.entry for tag, label in labels.items()},
        {tag: label.phrase for tag, label in labels.items() if label.phrase},
    )


def likely_meant(key: str, value: str) -> str | None:
    """Give the known tag that a user may have meant by an unknown one (man_mode=water_tower).

    None if the tag is known, or if nothing known is near. A misspelt key is looked for first, among
    keys that have this value, then among all keys; then a misspelt value of the key.
    """
    values = _known_values()
    if key not in values and key_rule(key) is None:
        with_value = [name for name, words in values.items() if value in words]
        near = _nearest(key, with_value) or _nearest(key, values)
        return f"{near}={value}" if near else None
    words = values.get(key, frozenset())
    near = None if value == ANY or value in words else _nearest(value, words)
    return f"{key}={near}" if near else None


def _nearest(word: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, sorted(known), 1, _ALIKE)), None)


@functools.cache
def _known_values() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, value in (*files.labels(), *files.universe(), *files.frequency()):
        if key != ANY:
            found.setdefault(key, set()).add(value)
    return {key: frozenset(words) for key, words in found.items()}


def _check_header(path: Path, names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: its header names a column twice.")
    if missing := [name for name in NEEDED if name not in names]:
        raise ValueError(f"{path}: has no column {', '.join(missing)}.")
    if strange := [name for name in names if name not in KNOWN]:
        raise ValueError(
            f"{path}: has an unknown column {strange[0][:40]!r}; known are {', '.join(KNOWN)}."
        )


def _label(where: str, row: dict[str, str]) -> tuple[Tag, OwnLabel]:
    for name in ("tag", "phrase", "reason"):
        if not row.get(name, "").isprintable():
            raise ValueError(f"{where}: the {name} holds control or line characters.")
    key, equals, value = row["tag"].partition("=")
    if not (key and equals and value) or max(len(key), len(value)) > _LONGEST:
        raise ValueError(
            f"{where}: the tag is {row['tag'][:60]!r}; write key=value, or key=* for any value, "
            f"each of at most {_LONGEST} characters."
        )
    entry = _entry(where, row)
    phrase = " ".join(row.get("phrase", "").split()) or None
    if max(len(entry.reason), len(phrase or "")) > _LONGEST:
        raise ValueError(f"{where}: the phrase or the reason is longer than {_LONGEST} characters.")
    return _today(where, (key, value)), OwnLabel(entry, phrase)


def _entry(where: str, row: dict[str, str]) -> TagEntry:
    groundable = {"yes": True, "no": False}.get(row["groundable"].strip().lower())
    if groundable is None:
        raise ValueError(f"{where}: groundable is {row['groundable'][:40]!r}; write yes or no.")
    reason = row.get("reason", "").strip() or _NO_REASON
    given = row["max_gsd"].strip()
    if not groundable:
        if given:
            raise ValueError(f"{where}: a tag that is not groundable has no max_gsd.")
        return TagEntry(False, None, "own", reason, 0.0)
    try:
        gsd = float(given)
    except ValueError:
        gsd = 0.0
    if not 0 < gsd <= _COARSEST:
        raise ValueError(
            f"{where}: max_gsd is {given[:40]!r}; write metres, over 0 and at most {_COARSEST:g}."
        )
    return TagEntry(True, gsd, "own", reason, 1.0)


def _today(where: str, tag: Tag) -> Tag:
    """Give the tag in today's spelling, in which objects are read."""
    today = deprecated.modernise(dict([tag]))
    if len(today) != 1:
        spelling = " + ".join("=".join(new) for new in today.items()) or "nothing"
        raise ValueError(
            f"{where}: {tag[0]}={tag[1]} is an old spelling of {spelling}: label that one."
        )
    ((key, value),) = today.items()
    return key, value
