"""Pairs as CSV: one reader and one writer for every command.

The reader accepts UTF-8 with or without a byte order mark, a header, and lines that end in LF, CRLF
or CR. A field is quoted if it contains a separator, a double quote or a line end. A double quote
inside an unquoted field is an ordinary character (``a 6" pipe``). Blank lines are ignored. Every
field is text, unchanged: ``NA`` and the empty field are text too, unless a command asks for null
words as null, or for captions that are none (`is_missing`).

The reader rejects the following and names the line: a repeated or empty column name, a line whose
number of fields differs from the header, an unclosed quote, invalid UTF-8, a NUL, a field over
1 MiB, and a row without a path.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InputError
from skyscript.files.csv_lines import END, MAX_FIELD, row_lines

WriteRow = Callable[[Iterable[object]], object]
HEADER = ("filepath", "title", "title_multi_objects")
"""Columns of a published captions file."""
NULL_WORDS = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"}
    | {"<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
)
"""The words that pandas reads as missing. `evaluate` reads them so, as published."""
_MISSING = frozenset(word.lower() for word in NULL_WORDS)
_BLOCK = 4 << 20
"""Bytes in one block of the parser."""
_HEAD = 1 << 20


class PairsCsv:
    """A CSV file of pairs. An invalid file raises `InputError` that names the line."""

    def __init__(
        self, path: Path, needed: Sequence[str] = HEADER[:2], separator: str = ",", remedy: str = ""
    ) -> None:
        """Read the header. It must contain the columns ``needed``; the first is the path.

        ``remedy`` is appended to the message about a missing column.
        """
        if not separator.isascii() or separator in '"\r\n\0':
            raise InputError(f"{separator!r}: cannot separate the columns of a CSV.")
        self.path = path
        self.separator = separator
        self._path_column = needed[0]
        self.columns = self._read_header()
        self._check_header(needed, remedy)

    def batches(
        self,
        names: Sequence[str] | None = None,
        *,
        nulls: Collection[str] = (),
    ) -> Iterator[pa.RecordBatch]:
        """Give text columns, by default all of them, in the order of the file.

        The words ``nulls`` become null. A path that is null or blank raises `InputError`.
        """
        row = 0
        for batch in filter(len, self._checked_batches()):
            paths = batch.column(self._path_column)
            missing = pc.or_(pc.utf8_is_space(paths), _is_in(paths, {"", *nulls}))
            if (at := pc.index(missing, value=True).as_py()) >= 0:
                raise InputError(
                    f"{self.path}: line {self.line_of(row + at)} names no image: its "
                    f"{self._path_column!r} is {paths[at].as_py()!r}."
                )
            row += len(batch)
            yield _with_nulls(batch.select(list(names or self.columns)), nulls)

    def rows(self, names: Sequence[str] | None = None) -> Iterator[tuple[str, ...]]:
        """Give the rows as tuples of text."""
        for batch in self.batches(names):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def no_pairs(self) -> InputError:
        """Give the error for a file without pairs."""
        return InputError(f"{self.path}: contains no pairs below its header.")

    def line_of(self, row: int) -> int:
        """Give the first line of a row. Rows count from 0; line 1 is the header.

        Reads the file up to that line, so use it only for messages.
        """
        lines = row_lines(self.path, self.separator, self.columns)
        return next(itertools.islice(lines, row + 1, None))

    def _read_header(self) -> list[str]:
        if not self.path.is_file():
            raise InputError(f"{self.path}: there is no such file.")
        try:
            with self.path.open("rb") as file:
                head = file.read(_HEAD)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}.") from None
        try:
            # An incremental decoder, because the head may end inside a character.
            text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=self.separator, strict=True)
            return next((row for row in rows if row), [])
        except UnicodeDecodeError as error:
            line = head.count(b"\n", 0, error.start) + 1
            raise InputError(
                f"{self.path}: line {line} is not text in UTF-8; mend or remove it."
            ) from None
        except csv.Error as error:
            raise InputError(f"{self.path}: its header is not a CSV header: {error}.") from None

    def _check_header(self, needed: Sequence[str], remedy: str) -> None:
        found = ", ".join(map(repr, self.columns)) or "none"
        for name, count in Counter(self.columns).items():
            if name and count > 1:
                raise InputError(
                    f"{self.path}: its header has the column {name!r} {count} times; rename or "
                    "remove all but one of them."
                )
        for name in needed:
            if name not in self.columns:
                blanks = next((repr(c) for c in self.columns if c.strip() == name), None)
                hint = f" Remove the blanks around {blanks} in the header." if blanks else ""
                raise InputError(
                    f"{self.path}: has no column {name!r}; separated at {self.separator!r} its "
                    f"columns are {found}.{hint}{remedy and ' '}{remedy}"
                )
        if "" in self.columns:
            raise InputError(
                f"{self.path}: column {self.columns.index('') + 1} of its header has no name; "
                "name it, or remove it (if pandas wrote its index there, use index=False)."
            )

    def _checked_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows below the header. Raises `InputError` if the file is invalid."""
        with self.path.open("rb") as file:
            source = _Source(file, self.separator.join([END] * len(self.columns)))
            previous: pa.RecordBatch | None = None  # its last row may be the extra row
            try:
                for batch in filter(len, _parse(source, self.columns, self.separator)):
                    if source.has_nul or _has_long_field(batch):
                        raise self._find_fault("it is invalid")
                    if previous is not None:
                        yield previous
                    previous = batch.slice(1) if previous is None else batch
            except pa.ArrowInvalid as error:
                raise self._find_fault(str(error).splitlines()[0]) from None
            if source.has_nul or previous is None or not len(previous):
                raise self._find_fault("it is invalid")
        if set(previous.slice(len(previous) - 1).to_pylist()[0].values()) != {END}:
            raise self._find_fault("a quote is never closed")
        yield previous.slice(0, len(previous) - 1)

    def _find_fault(self, otherwise: str) -> InputError:
        """Give an error that names the first invalid line, or that says ``otherwise``."""
        try:
            for _ in row_lines(self.path, self.separator, self.columns):
                pass
        except InputError as error:
            return error
        return InputError(f"{self.path}: cannot be read as a CSV: {otherwise}.")


class _Source(io.RawIOBase):
    """The bytes of a file and an extra last row; records whether there is a NUL."""

    def __init__(self, file: BinaryIO, end: str) -> None:
        super().__init__()
        self._file, self._end = file, f"\n{end}\n".encode()
        self.has_nul = False

    def readable(self) -> bool:
        """Tell that this stream is readable."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes."""
        data = self._file.read(size)
        self.has_nul = self.has_nul or b"\0" in data
        if not data:
            data, self._end = self._end, b""
        return data


def _parse(source: _Source, columns: Sequence[str], separator: str) -> Iterator[pa.RecordBatch]:
    """Parse all rows, including the header, as text."""
    from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, open_csv

    with open_csv(
        source,
        read_options=ReadOptions(column_names=list(columns), block_size=_BLOCK),
        parse_options=ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=False,
        ),
    ) as reader:
        yield from reader


def _has_long_field(batch: pa.RecordBatch) -> bool:
    return any(
        column.nbytes > MAX_FIELD and pc.max(pc.binary_length(column)).as_py() > MAX_FIELD
        for column in batch.columns
    )


def is_missing(captions: pa.Array) -> pa.Array:
    """Tell for each caption whether it is none: null, blank, or a word for a missing value.

    `score`, `filter` and `train` leave pairs with such a caption out.
    """
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(captions))
    return pc.or_(pc.is_null(captions), _is_in(plain, _MISSING))


def caption_or_none(caption: str | None) -> str | None:
    """Give a caption; None if it is none, as `is_missing` tells."""
    return None if caption is None or caption.strip().lower() in _MISSING else caption


def null_missing(captions: pa.Array) -> pa.Array:
    """Give captions with null in the place of each that `is_missing`."""
    return pc.if_else(is_missing(captions), None, captions)


def _is_in(values: pa.Array, words: Collection[str]) -> pa.Array:
    return pc.is_in(values, pa.array(sorted(words), values.type))


def _with_nulls(batch: pa.RecordBatch, nulls: Collection[str]) -> pa.RecordBatch:
    if not nulls:
        return batch
    columns = [pc.if_else(_is_in(column, nulls), None, column) for column in batch.columns]
    return pa.record_batch(columns, names=batch.schema.names)


@contextmanager
def csv_writer(path: Path, header: Sequence[str]) -> Iterator[WriteRow]:
    """Open a new CSV, write its header, and give a function that writes a row.

    The format is that of pandas: commas, quotes only if needed, UTF-8, LF line ends. Bytes of file
    names that are not Unicode are escaped.
    """
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        # `csv` quotes a field that contains a character of the line end; CRLF covers a lone CR.
        write = csv.writer(_LineFeeds(file), lineterminator="\r\n").writerow
        write(header)
        yield write


class _LineFeeds:
    """A text file that ends rows in LF instead of CRLF."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        """Write a row."""
        self._file.write(f"{row[:-2]}\n")


def write_pairs(path: Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> int:
    """Write rows as a CSV; give their number."""
    count = 0
    with csv_writer(path, header) as write:
        for row in rows:
            write(row)
            count += 1
    return count
