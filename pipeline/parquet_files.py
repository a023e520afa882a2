"""Parquet files, on a disk or in a bucket, as pyarrow reads them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs

from pipeline.bucket import BucketPath
from pipeline.storage import Place, local_copy, map_files, place_of


def parquet_source(part: Place) -> Any:  # noqa: ANN401 - a path, or a file of pyarrow
    """Give what pyarrow reads a Parquet file from."""
    return part if isinstance(part, Path) else _open(part)


def open_parts(parts: Iterable[Place], schema: pa.Schema | None) -> ds.Dataset:
    """Open Parquet files as a dataset; without a schema, with that of the first file."""
    names = [str(part) for part in parts]
    inside = bool(names) and BucketPath.parse(names[0]) is not None
    return ds.dataset(
        names, schema=schema, format="parquet", filesystem=_bucket_files() if inside else None
    )


def read_part(
    part: ds.Fragment, schema: pa.Schema | None, columns: list[str] | None = None
) -> pa.Table:
    """Read a part of a dataset so that nothing of it stays in memory.

    By default, a dataset keeps the metadata of each part that was read: 0.1 MB.
    """
    return part.to_table(schema=schema, columns=columns, cache_metadata=False)


def local_parts(table: ds.FileSystemDataset) -> tuple[str, ...]:
    """Give the paths of a dataset's files on this machine; those of a bucket are copied."""
    return tuple(str(path) for path in map_files(local_copy, map(place_of, table.files)))


@cache
def _bucket_files() -> pafs.PyFileSystem:
    return pafs.PyFileSystem(_BucketFiles())


def _open(place: BucketPath) -> pa.NativeFile:
    file = place.open()
    return pa.BufferReader(file.getbuffer()) if hasattr(file, "getbuffer") else pa.PythonFile(file)


class _BucketFiles(pafs.FileSystemHandler):  # type: ignore[misc] # pyarrow has no types
    """Lets pyarrow read objects by their addresses."""

    def get_type_name(self) -> str:
        return "bucket"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BucketFiles)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[pafs.FileInfo]:
        return [self._info(path) for path in paths]

    def _info(self, path: str) -> pafs.FileInfo:
        try:
            return pafs.FileInfo(path, pafs.FileType.File, size=place_of(path).stat().st_size)
        except FileNotFoundError:
            return pafs.FileInfo(path, pafs.FileType.NotFound)

    def open_input_file(self, path: str) -> pa.NativeFile:
        place = place_of(path)
        assert isinstance(place, BucketPath)  # made by `open_parts`
        return _open(place)

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return self.open_input_file(path)

    def _refuse(self, *_: object) -> None:
        raise NotImplementedError("pyarrow only reads objects")

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = _refuse
    delete_root_dir_contents = delete_file = move = copy_file = _refuse
    open_output_stream = open_append_stream = _refuse


def run_of(table: ds.FileSystemDataset) -> Place:
    """Give the run folder to which an opened table belongs."""
    return place_of(table.files[0]).parent.parent.parent
