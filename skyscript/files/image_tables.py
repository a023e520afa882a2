"""Tables of a run on its images, read for the images of another list, such as a CSV of pairs.

Images are known by their file names, which SkyScript gives only once, so their folder may differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.identity import identify_together
from pipeline.inputs import local_input
from pipeline.storage import Place, map_files, matching
from skyscript.ragged import counted

Ints = npt.NDArray[np.int64]


class Lists(NamedTuple):
    """A list of ascending numbers for each row: ``values[start[i]:start[i + 1]]``."""

    start: Ints
    values: npt.NDArray[np.int32]

    @classmethod
    def of(cls, keys: Ints, count: int, width: int) -> Lists:
        """Make the lists of ``count`` rows from keys: row x width + number.

        A repeated key counts once.
        """
        keys = np.unique(keys)
        start = np.searchsorted(keys, np.arange(count + 1) * width)
        return cls(start.astype(np.int64), (keys % max(width, 1)).astype(np.int32))

    def flags(self, rows: Ints, width: int) -> npt.NDArray[np.uint8]:
        """Give ``width`` flags for each of the given rows: 1 for each number in the row's list."""
        counts = self.start[rows + 1] - self.start[rows]
        at = np.repeat(np.arange(len(rows)), counts)
        found = np.zeros((len(rows), width), dtype=np.uint8)
        found[at, self.values[np.repeat(self.start[rows], counts) + counted(counts)]] = 1
        return found

    def row(self, number: int) -> npt.NDArray[np.int32]:
        """Give the list of a row."""
        return self.values[self.start[number] : self.start[number + 1]]


class ImageTable(NamedTuple):
    """A table of a run that can be read for other images."""

    name: str
    columns: tuple[str, ...]
    """The columns that are read."""
    remedy: str
    """When a run makes it, to follow "a run makes it"."""

    def parts(self, path: Place) -> list[Path]:
        """Give the Parquet files of a run's table, of a folder, or the file itself.

        Those in a bucket are copied to this machine.

        Raises `InputError` if there is none, or if it lacks a column.
        """
        table = path / "tables" / self.name
        folder = table if table.is_dir() else path
        places = matching(folder, "*.parquet") if folder.is_dir() else [folder]
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder.")
        if not places:
            raise InputError(f"{path}: holds no table {self.name}; a run makes it {self.remedy}.")
        parts = [*map_files(local_input, places)]
        try:
            missing = set(self.columns) - set(pq.read_schema(parts[0]).names)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{parts[0]}: is not Parquet: {str(error).splitlines()[0]}") from None
        if missing:
            raise InputError(
                f"{parts[0]}: is no table {self.name}: it has no column "
                f"{', '.join(sorted(missing))}."
            )
        return parts

    def identity(self, parts: Sequence[Path]) -> str:
        """Give a digest of the content."""
        return identify_together(parts)

    def batches(self, parts: Sequence[Path]) -> Iterator[pa.RecordBatch]:
        """Yield the rows. Raises `InputError` that names the part that cannot be read."""
        for part in parts:
            try:
                with pq.ParquetFile(part) as file:
                    yield from file.iter_batches(columns=list(self.columns))
            except (pa.ArrowException, OSError) as error:
                raise InputError(
                    f"{part}: cannot be read as a table {self.name}: {str(error).splitlines()[0]}"
                ) from None
