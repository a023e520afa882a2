"""Columns of text as the lines of a CSV, in the format of `skyscript.files.pairs_csv.csv_writer`.

This is for millions of rows: a row becomes a line in Arrow and no object of Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

_QUOTED = ('"', ",", "\n", "\r")
"""A field that contains one of these is quoted."""


def make_header(columns: Sequence[str]) -> bytes:
    """Give the first line of a CSV."""
    names = [pa.array([name], pa.string()) for name in columns]
    return str(make_lines(names)[0]).encode()


def make_lines(columns: Sequence[pa.StringArray]) -> pa.StringArray:
    """Give a line, with its end, for each row of some columns of text. Null is an empty field."""
    *first, last = map(_quote, columns)
    ended = pc.binary_join_element_wise(last, "", "\n", **_NULL_IS_EMPTY)
    return pc.binary_join_element_wise(*first, ended, ",", **_NULL_IS_EMPTY)


_NULL_IS_EMPTY = {"null_handling": "replace", "null_replacement": ""}


def write_lines(file: BinaryIO, lines: pa.StringArray) -> None:
    """Write lines that `make_lines` made, or a selection of them."""
    file.write(_bytes_of(lines))


def _quote(texts: pa.StringArray) -> pa.StringArray:
    """Quote the texts that need it."""
    data = bytes(_bytes_of(texts))  # most columns have no such character: look for any at all
    there = [mark for mark in _QUOTED if mark.encode() in data]
    if not there:
        return texts
    needed = pc.match_substring(texts, there[0])
    for mark in there[1:]:
        needed = pc.or_(needed, pc.match_substring(texts, mark))
    inner = pc.replace_substring(texts, '"', '""') if there[0] == '"' else texts
    return pc.if_else(needed, pc.binary_join_element_wise('"', inner, '"', ""), texts)


def _bytes_of(texts: pa.StringArray) -> memoryview:
    """Give the bytes of all texts, one after another."""
    _, offsets, data = texts.buffers()
    if data is None:
        return memoryview(b"")
    places = memoryview(offsets).cast("i")
    return memoryview(data)[places[texts.offset] : places[texts.offset + len(texts)]]
