"""The pairs to train on: image paths and captions, checked before training starts.

Arrow stores each distinct caption once, and each row has the number of its caption. Five million
Python strings would be copied into every worker process instead.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.identity import identify
from skyscript.files.pairs_csv import NULL_WORDS, PairsCsv
from skyscript.files.paths import LEADS_OUT
from stages.train.config import TrainConfig

_MISSING = pa.array(sorted({word.lower() for word in NULL_WORDS}), pa.large_string())
"""Texts that other programs write for a missing value."""
_REMEDY = "See --csv-img-key, --csv-caption-key and --csv-separator."
TRIED = 256
"""Number of images whose existence is checked before training starts."""


class Images(Protocol):
    """A source of image files, one for each row."""

    def read(self, row: int) -> bytes:
        """Read a row's image file. Raises `OSError` or `ValueError` if it cannot be read."""
        ...

    def name(self, row: int) -> str:
        """Return the name of a row's image, for messages."""
        ...


class Pairs(NamedTuple):
    """Images with their captions."""

    images: Images
    captions: pa.Array
    """Distinct captions."""
    texts: NDArray[np.int32]
    """For each row, the number of its caption."""
    identity: str
    """A digest of the content."""


class ImageFiles:
    """Image files in a folder."""

    def __init__(self, root: Path | None, paths: pa.Array) -> None:
        self._root, self._paths = root or Path(), paths

    def read(self, row: int) -> bytes:
        """Read a row's image file."""
        return (self._root / self.name(row)).read_bytes()

    def name(self, row: int) -> str:
        """Return a row's path, as in the CSV."""
        path: str = self._paths[row].as_py()
        return path

    def exists(self, row: int) -> bool:
        """Whether a row's file exists."""
        return (self._root / self.name(row)).is_file()


def csv_pairs(path: Path, config: TrainConfig) -> Pairs:
    """Read a CSV of pairs. Raises `InputError` that names the wrong line and column."""
    names = [config.csv_img_key, config.csv_caption_key]
    file = PairsCsv(path, names, config.csv_separator, _REMEDY)
    batches = list(file.batches(names))
    if not sum(map(len, batches)):
        raise file.no_pairs()
    columns = pa.Table.from_batches(batches).columns
    paths, captions = (column.cast(pa.large_string()).combine_chunks() for column in columns)
    for name, values in zip(names, (paths, captions), strict=True):
        check_present(values, functools.partial(_describe_place, file, name))
    if config.root_data_dir is not None:
        _check_paths(config.root_data_dir, paths, file)
    images = ImageFiles(config.root_data_dir, paths)
    _check_some_exist(images, len(paths), file, config)
    return number_captions(images, captions, identify(path))


def _describe_place(file: PairsCsv, name: str, row: int) -> str:
    return f"{file.path}: line {file.line_of(row)}: {name!r}"


def number_captions(images: Images, captions: pa.Array, identity: str) -> Pairs:
    """Make pairs that store each distinct caption once."""
    encoded = captions.dictionary_encode()
    numbers = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    return Pairs(images, encoded.dictionary, numbers, identity)


def check_present(values: pa.Array, describe_place: Callable[[int], str]) -> None:
    """Check that no value is blank or a word for a missing value. Raises `InputError`.

    ``describe_place`` names a row in the message.
    """
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    bad = np.flatnonzero(pc.is_in(plain, _MISSING).to_numpy(zero_copy_only=False)).tolist()
    if bad:
        value = values[bad[0]].as_py()
        problem = "is empty" if not value.strip() else f"is {value!r}, a missing value"
        more = f" ({len(bad):,} such rows)" if len(bad) > 1 else ""
        raise InputError(f"{describe_place(bad[0])} {problem}{more}.")


def _check_paths(root: Path, paths: pa.Array, file: PairsCsv) -> None:
    """Check that no path leads out of the root folder."""
    outside = pc.match_substring_regex(paths, LEADS_OUT).to_numpy(zero_copy_only=False)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InputError(
            f"{file.path}: line {file.line_of(row)}: {paths[row].as_py()!r} leads out of the "
            f"root folder {root}."
        )


def _check_some_exist(images: ImageFiles, rows: int, file: PairsCsv, config: TrainConfig) -> None:
    """Check that some images, spread over the file, exist. A wrong root is thus found at once."""
    tried = np.unique(np.linspace(0, rows - 1, TRIED).astype(int)).tolist()
    with ThreadPoolExecutor(8) as pool:
        exist = list(pool.map(images.exists, tried))
    missing = [row for row, found in zip(tried, exist, strict=True) if not found]
    if missing and (config.bad_images == "stop" or len(missing) == len(tried)):
        root = config.root_data_dir or Path(os.curdir).absolute()
        raise InputError(
            f"{file.path}: line {file.line_of(missing[0])}: there is no image "
            f"{images.name(missing[0])!r} in {root}; {len(missing)} of {len(tried)} checked "
            "images are missing."
        )
