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


class _OneFile:
    """A CSV, and the next of its rows."""

    def __init__(self, path: Place) -> None:
        self._path = path
        batches = PairsCsv(local_copy(path), ("filepath",)).batches(["filepath"])
        self._batches: Iterator[pa.Array] = (batch.column(0) for batch in batches)
        self._ahead: pa.Array = pa.array([], pa.string())
        self._row = 0

    def rows_of(self, paths: pa.Array) -> npt.NDArray[np.int64]:
        rows = np.zeros(len(paths), np.int64)
        while self._fill():
            found = pc.index_in(self._ahead, value_set=paths)
            ends = np.flatnonzero(found.is_null().to_numpy(zero_copy_only=False))
            count = int(ends[0]) if len(ends) else len(found)
            numbers = np.arange(self._row + 1, self._row + 1 + count)
            rows[found.slice(0, count).to_numpy(zero_copy_only=False)] = numbers
            self._row += count
            self._ahead = self._ahead.slice(count)
            if len(self._ahead):
                break
        return rows

    def _fill(self) -> bool:
        """Read on if no row is left; tell whether there is one."""
        with suppress(StopIteration):
            while not len(self._ahead):
                self._ahead = next(self._batches)
        return len(self._ahead) > 0

    def finish(self) -> None:
        if self._fill():
            raise InputError(
                f"{self._path}: row {self._row + 1} names {self._ahead[0].as_py()!r}, which is no "
                "further pair of the run in its order; skyscript verify names damaged files."
            )
