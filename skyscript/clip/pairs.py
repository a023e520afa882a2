"""Image-caption pairs from outside a run: a CSV and a folder of images, or WebDataset shards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
from pydantic import Field

from pipeline.atomic import file_id
from pipeline.errors import InputError
from pipeline.scratch import cut_into_parts
from pipeline.stage import ConfigPath, StageConfig
from skyscript.clip.vectors.decoding import Read
from skyscript.clip.vectors.embed import read_below
from skyscript.files.pairs_csv import HEADER, PairsCsv
from skyscript.files.shards import TarImages, find_tars, samples

_TAR_BLOCKS = 4
"""Mebibytes of a tar that are read to detect a change."""


@dataclass(frozen=True)
class CsvFolder:
    """A captions CSV and the folder that its paths are relative to."""

    captions: Path
    images: Path
    columns: tuple[str, str] = HEADER[:2]
    """The columns of the image paths and of the titles."""
    remedy: str = ""
    """A hint that is appended to the message about a missing column."""

    def identity(self) -> Mapping[str, str]:
        """Give the content id of the CSV. Raises `InputError` if its header is wrong."""
        self._open()
        return {"captions": file_id(self.captions)}

    def parts(self, rows: int) -> Iterator[pa.Table]:
        """Give the pairs in file order, in tables of ``rows`` rows; a blank title is null.

        Raises `InputError` that names an invalid line, or if there are no pairs.
        """
        row = 0
        for part in cut_into_parts(self.batches(), rows):
            title_multi = part["multi"] if "multi" in part.column_names else None
            yield _make_part(row, part["path"], part["title"], title_multi)
            row += len(part)
        if not row:
            raise self._open().no_pairs()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the columns path, title and, if the file has captions of all objects, multi."""
        file = self._open()
        others = [HEADER[2]] if self.columns == HEADER[:2] and HEADER[2] in file.columns else []
        names = ["path", "title", "multi"][: 2 + len(others)]
        for batch in file.batches([*self.columns, *others], blank="null"):
            yield pa.record_batch(batch.columns, names=names)

    @contextmanager
    def reading(self, part: int) -> Iterator[Read]:  # noqa: ARG002 - one folder for all
        """Give a function that reads the images of a part."""
        self.check_folder()
        yield read_below(self.images)

    def _open(self) -> PairsCsv:
        return PairsCsv(self.captions, self.columns, remedy=self.remedy)

    def check_folder(self) -> None:
        """Raise `InputError` if the folder of images does not exist."""
        if not self.images.is_dir():
            raise InputError(f"{self.images}: there is no such folder of images.")


@dataclass(frozen=True)
class Tars:
    """WebDataset shards: each is a part, so that a killed job continues at the unfinished tar."""

    tars: tuple[Path, ...]

    def identity(self) -> Mapping[str, str]:
        """Give the content id of each shard."""
        return {tar.name: file_id(tar, _TAR_BLOCKS) for tar in self.tars}

    def parts(self, rows: int) -> Iterator[pa.Table]:  # noqa: ARG002 - a tar is a part
        """Give the samples of each tar. Raises `InputError` if a tar is unsafe.

        A sample is ``KEY.jpg`` with ``KEY.txt`` (its title) and/or ``KEY.json`` (``title`` or
        ``caption``, ``title_multi_objects``); its path is then ``shard.tar/KEY.jpg``.
        """
        row = 0
        for tar in self.tars:
            found = list(samples(tar))
            paths = pa.array([f"{tar.name}/{sample.image}" for sample in found], pa.string())
            titles = pa.array([sample.title for sample in found], pa.string())
            multis = pa.array([sample.multi for sample in found], pa.string())
            yield _make_part(row, paths, titles, multis, f"{tar.name} {file_id(tar, _TAR_BLOCKS)}")
            row += len(found)

    @contextmanager
    def reading(self, part: int) -> Iterator[Read]:
        """Give a function that reads the images of a part, without unpacking the tar."""
        with TarImages(self.tars[part]) as images:
            yield images.read


Column: TypeAlias = "pa.Array | pa.ChunkedArray"


def _make_part(
    row: int, paths: Column, titles: Column, multis: Column | None, origin: str | None = None
) -> pa.Table:
    """Give a table with the columns row, filepath, title, title_multi_objects and origin."""
    count = len(paths)
    return pa.table(
        {
            "row": pa.array(range(row, row + count), pa.int64()),
            "filepath": paths,
            "title": titles,
            "title_multi_objects": pa.nulls(count, pa.string()) if multis is None else multis,
            "origin": pa.array([origin] * count, pa.string()),
        }
    )


class PairSource(StageConfig):
    """The source of the pairs: the images and, for a folder, the captions file."""

    images: ConfigPath = Field(
        description="Read images from this folder: the paths of the captions file start there. "
        "Without a captions file, name WebDataset shards: a folder of tars, or several tars by "
        "braces, as 'shards-{0000..0009}.tar'."
    )
    captions: ConfigPath | None = Field(
        None,
        description="Read captions from this file. WebDataset shards need none: they contain "
        "their captions.",
    )

    def source(self) -> CsvFolder | Tars:
        """Give the pairs. Raises `InputError` if there is neither a captions file nor a tar."""
        if self.captions is not None:
            return self.table(self.captions)
        if found := find_tars(self.images):
            return Tars(tuple(found))
        raise InputError(
            f"{self.images}: is neither a tar nor a folder with *.tar; name the captions "
            "file of a folder of images with --captions."
        )

    def table(self, captions: Path) -> CsvFolder:
        """Give the pairs of a captions file."""
        return CsvFolder(captions, self.images)
