"""The lines of a CSV, read slowly: says in which line a row begins, and which line is not sound.

`pairs_csv` parses with Arrow, which is fast but does not count lines. This module splits a file
into the same rows and is only used for messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import InputError

MAX_FIELD = 1 << 20
"""Bytes of a field; no caption and no path is longer."""
MAX_ROW = 4 << 20
_MARK = "\xef\xbb\xbf"
"""A byte order mark in UTF-8."""


def row_lines(path: Path, separator: str, columns: Sequence[str]) -> Iterator[int]:
    """Give the line in which each row begins, the header's first; lines count from 1.

    Raises `InputError` that names the first line which is not sound.
    """
    whole = _whole_row(separator, len(columns))
    row = _Row(separator)
    line = begin = 0
    with path.open(encoding="latin-1", newline="") as file:  # a letter is a byte
        for piece in iter(lambda: file.readline(MAX_ROW), ""):
            line += 1
            _check_text(piece, path, line)
            if line == 1:
                piece = piece.removeprefix(_MARK)
            if not row.is_open:
                if not piece.strip("\r\n"):
                    continue
                if len(piece) <= MAX_FIELD and whole.fullmatch(piece):
                    yield line
                    continue
                row, begin = _Row(separator), line
            row.add(piece)
            if row.longest > MAX_FIELD:
                quote = ", or a quote is never closed" if row.is_open else ""
                raise InputError(
                    f"{path}: line {begin} has a field over {MAX_FIELD >> 20} MiB{quote}; mend or "
                    "remove it."
                )
            if not row.is_open:
                _check_count(row.fields, columns, path, begin)
                yield begin
    if row.is_open:
        raise InputError(f"{path}: line {begin} opens a quote that is never closed; mend it.")


def _check_text(piece: str, path: Path, line: int) -> None:
    if "\0" in piece:
        raise InputError(f"{path}: line {line} holds a NUL character; mend or remove it.")
    if len(piece) == MAX_ROW:
        raise InputError(f"{path}: line {line} is longer than {MAX_ROW >> 20} MiB.")
    try:
        piece.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: line {line} is not text in UTF-8; mend or remove it.") from None


def _check_count(fields: int, columns: Sequence[str], path: Path, line: int) -> None:
    if fields != len(columns):
        raise InputError(
            f"{path}: line {line} has {fields} fields, the header {len(columns)}; mend or remove "
            "that line."
        )


def _whole_row(separator: str, fields: int) -> re.Pattern[str]:
    """Give the pattern of a row in one line: quick, but does not say what is wrong with others."""
    other = f"[^{re.escape(separator)}\r\n]"
    field = rf'(?:"[^"]*(?:""[^"]*)*"(?!"){other}*|(?!"){other}*)'
    following = f"{re.escape(separator)}{field}"
    return re.compile(f"{field}(?:{following}){{{fields - 1}}}(?:\r\n|\r|\n|)")


class _Row:
    """A row that is read line by line: counts its fields and measures the longest."""

    def __init__(self, separator: str) -> None:
        self.fields = 0
        self.longest = 0
        self.is_open = False
        """Whether the last line ended within quotes."""
        self._length = 0
        self._field_end = re.compile(f"[{re.escape(separator)}\r\n]")

    def add(self, line: str) -> None:
        """Read one more line."""
        at, is_start = 0, not self.is_open
        while True:
            if is_start and line.startswith('"', at):
                self.is_open, at = True, at + 1
            if self.is_open:
                at = self._quoted(line, at)
                if self.is_open:
                    return
            found = self._field_end.search(line, at)
            end = found.start() if found else len(line)
            self._grow(end - at)
            self.fields += 1
            self._length = 0
            if found is None or found[0] in "\r\n":
                return
            at, is_start = found.end(), True

    def _quoted(self, line: str, at: int) -> int:
        """Read on within quotes; give where they end."""
        while (end := line.find('"', at)) >= 0:
            self._grow(end - at)
            if not line.startswith('""', end):
                self.is_open = False
                return end + 1
            self._grow(1)
            at = end + 2
        self._grow(len(line) - at)
        return len(line)

    def _grow(self, length: int) -> None:
        self._length += length
        self.longest = max(self.longest, self._length)
