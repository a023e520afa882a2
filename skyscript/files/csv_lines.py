"""Line numbers of a CSV, for messages: the first line of each row, and the first invalid line.

`pairs_csv` parses with Arrow, which is fast but does not count lines. This module splits a file
into the same rows with Python's own reader.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from pipeline.errors import InputError

MAX_FIELD = 1 << 20
"""Maximum bytes of a field; captions and paths are shorter."""
END = "\x1a\x1a\x1a"
"""Fields of an extra last row. If the parser does not find this row, a quote is not closed."""
_MAX_LINE = 4 << 20


def row_lines(path: Path, separator: str, columns: Sequence[str]) -> Iterator[int]:
    """Give the line in which each row begins, the header's first; lines count from 1.

    Raises `InputError` that names the first invalid line.
    """
    end = [END] * len(columns)
    line = 1
    limit = csv.field_size_limit(MAX_FIELD)
    try:
        with path.open(encoding="latin-1", newline="") as file:  # one character for each byte
            lines = itertools.chain(_checked_lines(file, path), [separator.join(end)])
            reader = csv.reader(lines, delimiter=separator)
            for row in reader:
                if row == end:
                    return
                if row:
                    _check_row(row, columns, f"{path}: line {line}")
                    yield line
                line = reader.line_num + 1
    except csv.Error:
        problem = f"has a field over {MAX_FIELD >> 20} MiB, or a quote is never closed"
        raise InputError(f"{path}: line {line} {problem}; mend or remove it.") from None
    finally:
        csv.field_size_limit(limit)


def _checked_lines(file: TextIO, path: Path) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), ""), start=1):
        try:
            line.encode("latin-1").decode()
        except UnicodeDecodeError:
            what = "is not text in UTF-8"
        else:
            what = "contains a NUL character" if "\0" in line else ""
        if what:
            raise InputError(f"{path}: line {number} {what}; mend or remove it.")
        yield line.removeprefix("\xef\xbb\xbf") if number == 1 else line


def _check_row(row: Sequence[str], columns: Sequence[str], where: str) -> None:
    if END in row[-1]:
        raise InputError(f"{where} opens a quote that is never closed; mend it.")
    if len(row) != len(columns):
        raise InputError(
            f"{where} has {len(row)} fields, the header {len(columns)}; mend or remove that line."
        )
