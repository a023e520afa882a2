"""Pairs as CSV: one reader and one writer for every command.

The reader takes UTF-8, with or without a byte order mark, a header, and lines that end in LF, CRLF
or CR. A field stands in double quotes where it holds a separator, a quote or a line end. A quote
inside a field that does not begin with one is a letter (``a 6" pipe``). Blank lines are passed
over. Each field is text, exactly as it stands: ``NA`` and the empty field are texts too, unless a
command asks for null words or blank fields as null.

The reader refuses, with the line: a header with one name twice or an empty name, a line with
another number of fields than the header, a quote that is never closed, bytes that are not UTF-8, a
NUL, a field over 1 MiB, and a row without a path.
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
from typing import BinaryIO, Literal, TextIO

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
"""What pandas reads as a missing value. Only `evaluate` and `train` treat these words so."""
_BLOCK = 4 << 20
"""Bytes that are parsed at once."""
_HEAD = 1 << 20


class PairsCsv:
    """A CSV file of pairs; what is wrong with it is an `InputError` that names the line."""

    def __init__(
        self, path: Path, needed: Sequence[str] = HEADER[:2], separator: str = ",", remedy: str = ""
    ) -> None:
        """Read the header, which must have the columns ``needed``, the first of them the path.

        ``remedy`` ends the sentence about a missing column.
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
        blank: Literal["text", "null"] = "text",
    ) -> Iterator[pa.RecordBatch]:
        """Give columns of text, all of them by default, in the order of the file.

        A field that is one of the words ``nulls`` becomes null; with ``blank="null"`` also one that
        is empty or white space. A path may be neither.
        """
        row = 0
        for batch in filter(len, self._checked()):
            paths = batch.column(self._path_column)
            missing = pc.equal(pc.utf8_trim_whitespace(paths), "")
            missing = pc.or_(missing, _is_in(paths, nulls))
            if (at := pc.index(missing, value=True).as_py()) >= 0:
                raise InputError(
                    f"{self.path}: line {self.line_of(row + at)} names no image: its "
                    f"{self._path_column!r} is {paths[at].as_py()!r}."
                )
            row += len(batch)
            yield _with_nulls(batch.select(list(names or self.columns)), nulls, blank)

    def rows(self, names: Sequence[str] | None = None) -> Iterator[tuple[str, ...]]:
        """Give the rows of columns as texts."""
        for batch in self.batches(names):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def no_pairs(self) -> InputError:
        """Give the error of a command that needs some pairs."""
        return InputError(f"{self.path}: holds no pairs below its header.")

    def line_of(self, row: int) -> int:
        """Give the line in which a row begins; rows count from 0, lines from 1, the header's.

        Reads the file up to there, so it is meant for messages.
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
            # The last character of the head may be cut in two, so it is no error.
            text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=self.separator, strict=True)
            return next((row for row in rows if row), [])
        except UnicodeDecodeError as error:
            line = head.count(b"\n", 0, error.start) + 1
            raise InputError(
                f"{self.path}: line {line} is not text in UTF-8; mend or remove it."
            ) from None
        except csv.Error as error:
            raise InputError(f"{self.path}: its header is not one of a CSV: {error}.") from None

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
                "name it, or remove it (pandas writes its index so: use index=False)."
            )

    def _checked(self) -> Iterator[pa.RecordBatch]:
        """Give all columns of the rows below the header; raise where the file is not sound."""
        with self.path.open("rb") as file:
            source = _Source(file, self.separator.join([END] * len(self.columns)))
            held: pa.RecordBatch | None = None  # its last row may be ours
            try:
                for batch in filter(len, _parsed(source, self.columns, self.separator)):
                    if source.has_nul or _has_long_field(batch):
                        raise self._fault("it is not sound")
                    if held is not None:
                        yield held
                    held = batch.slice(1) if held is None else batch
            except pa.ArrowInvalid as error:
                raise self._fault(str(error).splitlines()[0]) from None
            if source.has_nul or held is None or not len(held):
                raise self._fault("it is not sound")
        if set(held.slice(len(held) - 1).to_pylist()[0].values()) != {END}:
            raise self._fault("a quote is never closed")
        yield held.slice(0, len(held) - 1)

    def _fault(self, otherwise: str) -> InputError:
        """Find the first line that is not sound."""
        try:
            for _ in row_lines(self.path, self.separator, self.columns):
                pass
        except InputError as error:
            return error
        return InputError(f"{self.path}: cannot be read as a CSV: {otherwise}.")


class _Source(io.RawIOBase):
    """A file's bytes and one more row; watches for NULs."""

    def __init__(self, file: BinaryIO, end: str) -> None:
        super().__init__()
        self._file, self._end = file, f"\n{end}\n".encode()
        self.has_nul = False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes."""
        data = self._file.read(size)
        self.has_nul = self.has_nul or b"\0" in data
        if not data:
            data, self._end = self._end, b""
        return data


def _parsed(source: _Source, columns: Sequence[str], separator: str) -> Iterator[pa.RecordBatch]:
    """Parse all rows, the header's too, as texts."""
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


def _is_in(values: pa.Array, words: Collection[str]) -> pa.Array:
    return pc.is_in(values, pa.array(sorted(words), pa.string()))


def _with_nulls(
    batch: pa.RecordBatch, nulls: Collection[str], blank: Literal["text", "null"]
) -> pa.RecordBatch:
    columns = batch.columns
    if nulls:
        columns = [pc.if_else(_is_in(c, nulls), None, c) for c in columns]
    if blank == "null":
        columns = [pc.if_else(pc.equal(pc.utf8_trim_whitespace(c), ""), None, c) for c in columns]
    return pa.record_batch(columns, names=batch.schema.names)


@contextmanager
def csv_writer(path: Path, header: Sequence[str]) -> Iterator[WriteRow]:
    """Open a new CSV, write its header, and give the function that writes a row.

    Commas, quotes only where needed, UTF-8, a line feed after each row, as pandas writes; what
    Unicode cannot say (a file name of other bytes) is escaped.
    """
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        # csv quotes what the line's end holds: with both letters, a lone CR in a field too.
        write = csv.writer(_LineFeeds(file), lineterminator="\r\n").writerow
        write(header)
        yield write


class _LineFeeds:
    """A text file in which rows end in LF, not CRLF."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        """Write a row."""
        self._file.write(f"{row[:-2]}\n")


def write_pairs(path: Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> int:
    """Write rows as they come; give how many there were."""
    count = 0
    with csv_writer(path, header) as write:
        for row in rows:
            write(row)
            count += 1
    return count
