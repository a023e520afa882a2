"""The pairs to train on: image paths and captions, checked before training starts.

Arrow stores each distinct caption once, and each row has the number of its caption. Five million
Python strings would be copied into every worker process instead.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.identity import identify
from pipeline.storage import Place
from skyscript.files.image_tars import ImageFile
from skyscript.files.pairs_csv import PairsCsv, is_missing, null_missing
from skyscript.files.paths import LEADS_OUT
from skyscript.files.tar_places import tar_places
from skyscript.files.truth import Truth, read_truth
from stages.train.config import TrainConfig
from stages.train.mixing import NONE, TextChoice, statements_of

log = logging.getLogger(__name__)

_REMEDY = "See --csv-img-key, --csv-caption-key and --csv-separator."
TRIED = 256
"""Number of images whose existence is checked before training starts."""
SURE = 5
"""So many missing ones among these mean that as large a share of all is missing."""


class Images(Protocol):
    """A source of image files, one for each row."""

    def read(self, row: int) -> bytes:
        """Read a row's image file.

        Raises `OSError` or `ValueError` if it cannot be read, and `InputError` if no other image
        may take its place, because a whole shard is at fault.
        """
        ...

    def name(self, row: int) -> str:
        """Return the name of a row's image, for messages."""
        ...

    def names(self) -> pa.Array:
        """Return the paths or file names of all rows' images."""
        ...


Flags = NDArray[np.uint8]
_NO_FLAGS: Flags = np.zeros(0, dtype=np.uint8)


class PairTruth(NamedTuple):
    """What the images of pairs show, and what their captions name."""

    of: Truth
    image_of: NDArray[np.int64]
    """For each row, the number of its image."""


class Pairs(NamedTuple):
    """Images with their captions."""

    images: Images
    captions: pa.Array
    """Distinct texts: the captions, and the statements on the images."""
    texts: NDArray[np.int32]
    """For each row, the number of its first caption."""
    identity: str
    """A digest of the content."""
    choice: TextChoice
    """The texts from which those of a row are drawn in each epoch."""
    truth: PairTruth | None = None

    def flags(self, row: int, text: int) -> tuple[Flags, Flags]:
        """Return what a caption of a row names, and what its image shows: a 1 a concept.

        What a statement names is not known: it is a negative of all images but those that have it.
        """
        if self.truth is None:
            return _NO_FLAGS, _NO_FLAGS
        of, image = self.truth.of, self.truth.image_of[row]
        width = len(of.concepts)
        names = len(of.says.start) - 1 > text
        says = of.says.flags(np.array([text]), width)[0] if names else np.zeros(width, np.uint8)
        return says, of.shows.flags(np.array([image]), width)[0]

    def all_texts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return row and text of every caption of every row, without statements."""
        row, column = np.nonzero(self.choice.columns >= 0)
        return row, self.choice.columns[row, column].astype(np.int64)

    def with_statements(self, path: Place, config: TrainConfig) -> Pairs:
        """Return the pairs with the statements on their images, from a run's table.

        Raises `InputError` if it has none that the options ask for.
        """
        found, captions = statements_of(path, self.images.names(), self.captions, config)
        return self._replace(captions=captions, choice=self.choice._replace(statements=found))

    def with_truth(self, path: Place) -> Pairs:
        """Return the pairs with what their images show, from the table ``truth`` of a run.

        Raises `InputError` if it knows none of the images.
        """
        encoded = self.images.names().dictionary_encode()
        image_of = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        row, text = self.all_texts()
        of = read_truth(path, encoded.dictionary, image_of[row], text)
        return self._replace(truth=PairTruth(of, image_of))


class ImageFiles:
    """Image files in a folder, or in the tars of a run."""

    def __init__(self, root: Place | None, paths: pa.Array) -> None:
        self._root, self._paths = root or Path(), paths
        self._places = tar_places(self._root, paths)

    def read(self, row: int) -> bytes:
        """Read a row's image file."""
        return self._file(row).read_bytes()

    def _file(self, row: int) -> ImageFile:
        return self._root / self.name(row) if self._places is None else self._places.file(row)

    def name(self, row: int) -> str:
        """Return a row's path, as in the CSV."""
        path: str = self._paths[row].as_py()
        return path

    def names(self) -> pa.Array:
        """Return the paths of all rows."""
        return self._paths

    def exists(self, row: int) -> bool:
        """Whether a row's file exists."""
        return self._file(row).is_file()


def csv_pairs(path: Path, config: TrainConfig) -> Pairs:
    """Read a CSV of pairs. Raises `InputError` that names the wrong line and column."""
    columns = config.caption_columns()
    names = [config.csv_img_key, *columns]
    file = PairsCsv(path, names, config.csv_separator, _REMEDY)
    batches = list(file.batches(names))
    if not sum(map(len, batches)):
        raise file.no_pairs()
    paths, *captions = (
        column.cast(pa.large_string()).combine_chunks()
        for column in pa.Table.from_batches(batches).columns
    )
    _check_names(paths, file, names[0])
    if config.root_data_dir is not None:
        _check_paths(config.root_data_dir, paths, file)
    _check_some_exist(ImageFiles(config.root_data_dir, paths), len(paths), file, config)
    captions = [null_missing(column) for column in captions]
    captioned = check_captioned(
        captions, columns, path, lambda row: f"the first in line {file.line_of(row)}"
    )
    images = ImageFiles(config.root_data_dir, paths.filter(captioned))
    return number_captions(
        images, [column.filter(captioned) for column in captions], identify(path), config
    )


def number_captions(
    images: Images, captions: Sequence[pa.Array], identity: str, config: TrainConfig
) -> Pairs:
    """Make pairs of images and columns of captions; each distinct caption is stored once."""
    encoded = pa.concat_arrays(list(captions)).dictionary_encode()
    numbers = pc.fill_null(encoded.indices, NONE).to_numpy(zero_copy_only=False)
    columns = numbers.astype(np.int32).reshape(len(captions), -1).T
    first = columns[np.arange(len(columns)), (columns >= 0).argmax(1)]
    choice = TextChoice.of(columns, config)
    return Pairs(images, encoded.dictionary, first, identity, choice)


def check_captioned(
    captions: Sequence[pa.Array],
    columns: Sequence[str],
    path: Path,
    describe_place: Callable[[int], str],
) -> pa.Array:
    """Tell which pairs have a caption in any column, and say how many are left out.

    ``describe_place`` names a row in the message. Raises `InputError` if a column has none.
    """
    for name, column in zip(columns, captions, strict=True):
        if column.null_count == len(column):
            raise InputError(f"{path}: {name!r}: none of the {len(column):,} pairs has a caption.")
    captioned = functools.reduce(pc.or_, (column.is_valid() for column in captions))
    without = np.flatnonzero(~captioned.to_numpy(zero_copy_only=False)).tolist()
    if without:
        log.warning(
            "%s: %s: %s of %s pairs have no caption and are left out, %s",
            path,
            ", ".join(map(repr, columns)),
            f"{len(without):,}",
            f"{len(captioned):,}",
            describe_place(without[0]),
        )
    return captioned


def _check_names(paths: pa.Array, file: PairsCsv, column: str) -> None:
    """Raise `InputError` if a path is a word for a missing value."""
    bad = pc.index(is_missing(paths), value=True).as_py()
    if bad >= 0:
        raise InputError(
            f"{file.path}: line {file.line_of(bad)}: {column!r} is {paths[bad].as_py()!r}, a "
            "missing value."
        )


def _check_paths(root: Place, paths: pa.Array, file: PairsCsv) -> None:
    """Check that no path leads out of the root folder."""
    outside = pc.match_substring_regex(paths, LEADS_OUT).to_numpy(zero_copy_only=False)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InputError(
            f"{file.path}: line {file.line_of(row)}: {paths[row].as_py()!r} leads out of the "
            f"root folder {root}."
        )


def _check_some_exist(images: ImageFiles, rows: int, file: PairsCsv, config: TrainConfig) -> None:
    """Check that images spread over the whole file exist. This finds a wrong root early."""
    tried = np.unique(np.linspace(0, rows - 1, TRIED).astype(int)).tolist()
    with ThreadPoolExecutor(8) as pool:
        exist = list(pool.map(images.exists, tried))
    missing = [row for row, found in zip(tried, exist, strict=True) if not found]
    allowed = config.max_bad_images * rows
    is_likely = len(missing) >= SURE and len(missing) / len(tried) > config.max_bad_images
    if missing and (len(missing) > allowed or is_likely):
        root = config.root_data_dir or Path(os.curdir).absolute()
        raise InputError(
            f"{file.path}: line {file.line_of(missing[0])}: there is no image "
            f"{images.name(missing[0])!r} in {root}; {len(missing)} of {len(tried)} checked "
            "images are missing."
        )
