"""Finds misspellings of labelled values in extracts, for `spellings.csv`.

Maintainers run `propose` on OSM extracts, decide each proposal by hand and add the right ones to
the file. At run time only the file counts: an unknown word of an open key that is not in it is
silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tag_vocab import deprecated, files
from tag_vocab.vocabulary import never_visible

Tag = tuple[str, str]

_LONGEST = 60
_SEPARATORS = re.compile(r"[\s_-]+")


class Proposal(NamedTuple):
    """A value that may be a misspelling of a labelled one."""

    key: str
    value: str
    meant: str
    objects: int
    letters: int
    """The edit distance: letters to change, add, drop or swap; 0 if only case or spaces differ."""


def propose(counted: Mapping[Tag, int]) -> list[Proposal]:
    """Give the tags without a label whose value is near that of one visible label of the key.

    ``counted`` are the numbers of objects by tag. Near means one edit for words of 4 to 6 letters,
    and two for longer words. A value that is as near to two labels is left out.
    """
    labels: dict[str, list[str]] = {}
    for key, value in files.labels():
        labels.setdefault(key, []).append(value)
    found = []
    for (key, value), objects in sorted(counted.items()):
        if _is_open(key, value, labels):
            meant = _nearest(value, labels[key])
            if meant and files.labels()[key, meant[0]].groundable:
                found.append(Proposal(key, value, meant[0], objects, meant[1]))
    return found


def distance(left: str, right: str, most: int) -> int:
    """Give the edit distance of two words (a swap of neighbours is one); over ``most``: more."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        this = [row]
        for column, other in enumerate(right, 1):
            cost = min(last[column] + 1, this[-1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            this.append(cost)
        before, last = last, this
    return last[-1]


def _is_open(key: str, value: str, labels: Mapping[str, list[str]]) -> bool:
    return (
        key in labels
        and value not in labels[key]
        and (files.ANY, value) not in files.labels()
        and len(value) <= _LONGEST
        and not never_visible(key)
        and deprecated.modernise({key: value}) == {key: value}
    )


def _nearest(value: str, known: Iterable[str]) -> tuple[str, int] | None:
    word = _plain(value)
    most = 0 if len(word) < 4 else 1 if len(word) < 7 else 2
    near = sorted((distance(word, _plain(name), most), name) for name in known)
    if near[0][0] > most or (len(near) > 1 and near[1][0] == near[0][0]):
        return None
    return near[0][1], near[0][0]


def _plain(value: str) -> str:
    return _SEPARATORS.sub("_", value.strip().lower())
