"""Image-caption pairs from outside a run: a CSV and a folder of images, or WebDataset shards."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
from pydantic import Field

from pipeline.bucket import BucketPath
from pipeline.errors import InputError
from pipeline.identity import identify, identify_all, identify_together
from pipeline.inputs import local_input
from pipeline.object_stat import ObjectStat
from pipeline.scratch import cut_into_parts
from pipeline.stage import ConfigFile, ConfigPlace, StageConfig
from pipeline.storage import Place
from skyscript.clip.vectors.decoding import Read
from skyscript.clip.vectors.embed import read_below
from skyscript.files.image_tars import FOLDER, TARS
from skyscript.files.pairs_csv import HEADER, PairsCsv, null_missing
from skyscript.files.paths import below, leads_out, normalise
from skyscript.files.shards import TarImages, find_tars, samples
from skyscript.files.tar_places import has_tars, named_in_tars


@dataclass(frozen=True)
class CsvFolder:
    """A captions CSV and the folder that its paths are relative to."""

    captions: Path
    images: Place
    columns: tuple[str, str] = HEADER[:2]
    """The columns of the image paths and of the titles."""
    remedy: str = ""
    """A hint that is appended to the message about a missing column."""

    def identity(self) -> Mapping[str, str]:
        """Give the content ids of the captions file and of all images that it names.

        Raises `InputError` if the file is invalid, or if there is no folder of images.
        """
        captions = self.captions_identity()
        self.check_folder()
        paths = itertools.chain.from_iterable(batch["path"].to_pylist() for batch in self.batches())
        return {**captions, "images": _ImagesId(self.images)(paths)}

    def captions_identity(self) -> Mapping[str, str]:
        """Give the content id of the captions file. Raises `InputError` if there is none."""
        if not self.captions.is_file():
            raise InputError(f"{self.captions}: there is no such file.")
        return {"captions": identify(self.captions)}

    def parts(self, rows: int) -> Iterator[pa.Table]:
        """Give the pairs in file order, in tables of ``rows`` rows; a title that is none is null.

        The ``origin`` of a pair is a digest of the images of its part, so that a changed image
        changes only its part.
        Raises `InputError` that names an invalid line, or if there are no pairs.
        """
        row, images_id = 0, _ImagesId(self.images)
        for part in cut_into_parts(self.batches(), rows):
            title_multi = part["multi"] if "multi" in part.column_names else None
            origin = images_id(part["path"].to_pylist())
            yield _make_part(row, part["path"], part["title"], title_multi, origin)
            row += len(part)
        if not row:
            raise self._open().no_pairs()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the columns path, title and, if the file has captions of all objects, multi."""
        file = self._open()
        others = [HEADER[2]] if self.columns == HEADER[:2] and HEADER[2] in file.columns else []
        names = ["path", "title", "multi"][: 2 + len(others)]
        for batch in file.batches([*self.columns, *others]):
            paths, *captions = batch.columns
            yield pa.record_batch([paths, *map(null_missing, captions)], names=names)

    @contextmanager
    def reading(self, part: int, paths: Iterable[str | None]) -> Iterator[Read]:  # noqa: ARG002
        """Give a function that reads the images of a part, which have these paths."""
        self.check_folder()
        yield read_below(self.images, named_in_tars(self.images, filter(None, paths)))

    def _open(self) -> PairsCsv:
        return PairsCsv(self.captions, self.columns, remedy=self.remedy)

    def check_folder(self) -> None:
        """Raise `InputError` if the folder of images does not exist."""
        if not self.images.is_dir():
            raise InputError(f"{self.images}: there is no such folder of images.")


@dataclass(frozen=True)
class Tars:
    """Image-text pairs in WebDataset tars.

    Each tar is one part of the work: a job that was killed keeps its finished tars and starts
    again at the first unfinished one.
    """

    tars: tuple[Path, ...]

    def identity(self) -> Mapping[str, str]:
        """Give the content id of each shard."""
        return {tar.name: identify(tar) for tar in self.tars}

    def captions_identity(self) -> Mapping[str, str]:
        """Give the content id of each shard, which contains its captions."""
        return self.identity()

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
            yield _make_part(row, paths, titles, multis, f"{tar.name} {identify(tar)}")
            row += len(found)

    @contextmanager
    def reading(self, part: int, paths: Iterable[str | None]) -> Iterator[Read]:  # noqa: ARG002
        """Give a function that reads the images of a part, without unpacking the tar."""
        with TarImages(self.tars[part]) as images:
            yield images.read


class _ImagesId:
    """Gives a digest of the content of images; an image that cannot be read counts as missing.

    Of a run with images in tars, it is a digest of all tars. In a bucket, the e-tags of the objects
    stand for their contents; a folder is listed once.
    """

    def __init__(self, folder: Place) -> None:
        self._folder = folder
        self._has_tars = has_tars(folder)
        self._listed: dict[str, dict[str, ObjectStat]] = {}

    def __call__(self, paths: Iterable[str]) -> str:
        """Give the digest of the images with these paths."""
        if self._has_tars and isinstance(self._folder, Path):
            return identify_together(sorted(self._folder.glob(TARS)))
        digest = hashlib.blake2b(digest_size=16)
        for found in self._ids(paths):
            digest.update(f"{found}\n".encode())
        return digest.hexdigest()

    def _ids(self, paths: Iterable[str]) -> Iterator[str | None]:
        folder = self._folder
        if isinstance(folder, BucketPath):
            tars = (f"{FOLDER}/{name}" for name in self._states(folder, FOLDER))
            return (self._id_of(folder, name) for name in (tars if self._has_tars else paths))
        return identify_all(
            below(folder, path) if path and not leads_out(path) else folder for path in paths
        )

    def _id_of(self, folder: BucketPath, path: str) -> str | None:
        if not path or leads_out(path):
            return None
        inside, _, name = normalise(path).rpartition("/")
        state = self._states(folder, inside).get(name)
        return None if state is None else f"{state.st_size} {state.st_ino}"

    def _states(self, folder: BucketPath, inside: str) -> Mapping[str, ObjectStat]:
        if inside not in self._listed:
            place = folder / inside if inside else folder
            self._listed[inside] = {entry.name: entry.stat() for entry in place.scan()}
        return self._listed[inside]


Column: TypeAlias = "pa.Array | pa.ChunkedArray"


def _make_part(
    row: int, paths: Column, titles: Column, multis: Column | None, origin: str
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

    images: ConfigPlace = Field(
        description="Read images from this folder, or this one in a bucket (s3://, gs://, az://): "
        "the paths of the captions file are relative to it. "
        "Without a captions file, name WebDataset shards: a folder of tars, or several tars by "
        "braces, as 'shards-{0000..0009}.tar'."
    )
    captions: ConfigFile | None = Field(
        None,
        description="Read captions from this file, or object in a bucket. WebDataset shards need "
        "none: they contain their captions.",
    )

    def source(self) -> CsvFolder | Tars:
        """Give the pairs. Raises `InputError` if there is neither a captions file nor a tar."""
        if self.captions is not None:
            return self.table(local_input(self.captions))
        if isinstance(self.images, BucketPath):
            raise InputError(
                f"{self.images}: shards are read from this machine only: copy them here, or name "
                "the captions file of a folder of images with --captions."
            )
        if found := find_tars(self.images):
            return Tars(tuple(found))
        raise InputError(
            f"{self.images}: is neither a tar nor a folder with *.tar; name the captions "
            "file of a folder of images with --captions."
        )

    def table(self, captions: Path) -> CsvFolder:
        """Give the pairs of a captions file."""
        return CsvFolder(captions, self.images)
