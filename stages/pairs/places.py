"""Finds in which rows of the run's CSVs a pair stands, while the run is read once in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InputError
from pipeline.storage import Place, local_copy
from skyscript.files.pairs_csv import PairsCsv

Places = dict[str, npt.NDArray[np.int64]]
"""File -> for each pair, the row in the file; 0 if the file does not hold the pair."""


class CsvPlaces:
    """The rows of CSVs whose pairs have the order of the run; each CSV is read once."""

    def __init__(self, root: Place, names: Sequence[str]) -> None:
        """Take the paths of the CSVs, relative to the run folder."""
        self._files = {name: _OneFile(root / name) for name in names}

    def of(self, paths: pa.Array) -> Places:
        """Give the rows of the next pairs of the run, whose paths are given in order."""
        return {name: file.rows_of(paths) for name, file in self._files.items()}

    def finish(self) -> None:
        """Raise `InputError` if a CSV holds a pair that the run lacks, or another order."""
        for file in self._files.values():
            file.finish()


class Reasons:
    """Why pairs are in no filtered file, while the run is read once in order."""

    def __init__(self, path: Place | None) -> None:
        """Take the CSV with the reasons; None if the run has no filter."""
        self._file = None if path is None else _OneFile(path, "reason")

    def of(self, paths: pa.Array) -> pa.Array:
        """Give the reasons of the next pairs of the run; null for those that a file holds."""
        return self._file.values_of(paths) if self._file else pa.nulls(len(paths), pa.string())

    def finish(self) -> None:
        """Raise `InputError` if the CSV holds a pair that the run lacks, or another order."""
        if self._file:
            self._file.finish()


class _OneFile:
    """A CSV, and the next of its rows."""

    def __init__(self, path: Place, column: str = "filepath") -> None:
        """Open a CSV; ``column`` names the column that `values_of` reads."""
        self._path = path
        names = list(dict.fromkeys(["filepath", column]))
        self._batches = PairsCsv(local_copy(path), names).batches(names)
        self._ahead: list[pa.Array] = [pa.array([], pa.string())] * 2
        self._row = 0

    def rows_of(self, paths: pa.Array) -> npt.NDArray[np.int64]:
        rows = np.zeros(len(paths), np.int64)
        for found, _ in self._next(paths):
            rows[found] = np.arange(self._row + 1, self._row + 1 + len(found))
        return rows

    def values_of(self, paths: pa.Array) -> pa.Array:
        values = np.full(len(paths), None, object)
        for found, own in self._next(paths):
            values[found] = own.to_pylist()
        return pa.array(values, pa.string())

    def _next(self, paths: pa.Array) -> Iterator[tuple[npt.NDArray[np.int64], pa.Array]]:
        """Yield which of the paths the next rows have, and their values, until one has another."""
        while self._fill():
            named, values = self._ahead
            found = pc.index_in(named, value_set=paths)
            ends = np.flatnonzero(found.is_null().to_numpy(zero_copy_only=False))
            count = int(ends[0]) if len(ends) else len(found)
            yield found.slice(0, count).to_numpy(zero_copy_only=False), values.slice(0, count)
            self._row += count
            self._ahead = [named.slice(count), values.slice(count)]
            if len(self._ahead[0]):
                break

    def _fill(self) -> bool:
        """Read on if no row is left; tell whether there is one."""
        with suppress(StopIteration):
            while not len(self._ahead[0]):
                batch = next(self._batches)
                self._ahead = [batch.column(0), batch.column(batch.num_columns - 1)]
        return len(self._ahead[0]) > 0

    def finish(self) -> None:
        if self._fill():
            name = self._ahead[0][0].as_py()
            raise InputError(
                f"{self._path}: row {self._row + 1} names {name!r}, which is no further pair of "
                "the run in its order; skyscript verify names damaged files."
            )
