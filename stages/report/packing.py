"""Packs what the explorer searches: columns as typed arrays, and an index of words.

A browser lets a page from disk load scripts and images only. So each file of data is a script that
hands one value to the explorer; numbers are base64 of little-endian arrays.
"""

from __future__ import annotations

import base64
import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"[^\W_]+")
_BLANK = re.compile(r"\s+")


def script(name: str, value: object) -> bytes:
    """Give a script that hands a value to the explorer under a name. It is pure ASCII."""
    return f"explorer.put({json.dumps(name)}, {json.dumps(value, allow_nan=False)});\n".encode()


def packed(values: npt.NDArray[Any]) -> str:
    """Give an array as base64 of its little-endian bytes."""
    return base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode()


def floats(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    """Give numbers as an array; a missing one is NaN."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def numbers(values: Sequence[float | None]) -> str:
    """Give float32 numbers; a missing one is NaN."""
    return packed(floats(values).astype(np.float32))


def choices(values: Sequence[str]) -> dict[str, Any]:
    """Give a column of few distinct texts: the texts, most frequent first, and a byte for each row.

    At most 255 different texts are kept; all rarer ones become "other".
    """
    names, inverse, counts = np.unique(
        np.array(values, object), return_inverse=True, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    shown = [str(names[at]) for at in order[:255]]
    if len(names) > len(shown):
        shown.append("other")
    return {"names": shown, "of": packed(np.minimum(place, 255)[inverse].astype(np.uint8))}


def order_of(keys: npt.NDArray[Any]) -> str:
    """Give the rows in ascending order of their keys; NaN goes last."""
    return packed(np.argsort(keys, kind="stable").astype(np.uint32))


def words_of(text: str) -> set[str]:
    """Give the words that a search finds a text by."""
    return set(_WORD.findall(text.lower()))


def tag_word(key: str, value: str) -> str:
    """Give the word that a search finds a tag by: ``key=value``, lower case, without blanks."""
    return _BLANK.sub("_", f"{key}={value}".lower())


class Index:
    """The rows in which each word stands."""

    def __init__(self) -> None:
        self._rows: dict[str, array[int]] = {}

    def add(self, row: int, words: Iterable[str]) -> None:
        """Add a row, which is greater than all rows before, with its distinct words."""
        for word in words:
            rows = self._rows.get(word)
            if rows is None:
                rows = self._rows[word] = array("I")
            rows.append(row)

    def counts(self, below: int) -> Mapping[str, int]:
        """Give the number of rows below a number of each word."""
        return {word: bisect_left(rows, below) for word, rows in self._rows.items()}

    def packed(self, below: int) -> dict[str, Any]:
        """Give the words in the order of their UTF-16 code units, as JavaScript compares them.

        Their counts are those of `counts`. The rows of a word are the gaps between them, each in
        groups of seven bits, lowest first; the high bit says that a group follows.
        """
        words = sorted(self._rows, key=lambda word: word.encode("utf-16-be", "surrogatepass"))
        groups = [_gaps(np.frombuffer(self._rows[word], np.uint32)) for word in words]
        counts = self.counts(below)
        starts = np.cumsum([0, *map(len, groups)])
        return {
            "words": words,
            "counts": packed(np.array([counts[word] for word in words], np.uint32)),
            "starts": packed(starts.astype(np.uint32)),
            "rows": base64.b64encode(b"".join(groups)).decode(),
        }


def _gaps(rows: npt.NDArray[np.uint32]) -> bytes:
    gaps = np.diff(rows.astype(np.int64), prepend=-1) - 1
    if gaps.max(initial=0) < 128:
        return gaps.astype(np.uint8).tobytes()
    found = bytearray()
    for gap in gaps.tolist():
        while gap >= 128:
            found.append(gap & 127 | 128)
            gap >>= 7
        found.append(gap)
    return bytes(found)
