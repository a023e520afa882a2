"""The pairs to train on: where each image lies, and its caption; checked before anything is loaded.

Captions are kept once each with a number a row, in Arrow: five million rows as Python strings would
be copied into every worker process.
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

from pipeline.atomic import file_id
from pipeline.errors import InputError
from skyscript.files.pairs_csv import NULL_WORDS, PairsCsv
from skyscript.files.paths import LEADS_OUT
from stages.train.config import TrainConfig

_MISSING = pa.array(sorted({word.lower() for word in NULL_WORDS}), pa.large_string())
"""What a missing value looks like once some program wrote it as text."""
_REMEDY = "See --csv-img-key, --csv-caption-key and --csv-separator."
TRIED = 256
"""Images that are looked for before training begins; the others when their turn comes."""


class Images(Protocol):
    """Where images' bytes come from."""

    def read(self, row: int) -> bytes:
        """Give a row's bytes. Raises `OSError`."""
        ...

    def name(self, row: int) -> str:
        """Name a row's image as a user knows it."""
        ...


class Pairs(NamedTuple):
    """Images and captions."""

    images: Images
    captions: pa.Array
    """Distinct captions."""
    texts: NDArray[np.int32]
    """The caption's number, a row each."""
    identity: str
    """Content id."""


class ImageFiles:
    """Images as files below a root."""

    def __init__(self, root: Path | None, paths: pa.Array) -> None:
        self._root, self._paths = root or Path(), paths

    def read(self, row: int) -> bytes:
        """Give a row's bytes."""
        return (self._root / self.name(row)).read_bytes()

    def name(self, row: int) -> str:
        """Give a row's path as the CSV has it."""
        path: str = self._paths[row].as_py()
        return path

    def is_there(self, row: int) -> bool:
        """Say whether a row's file is there."""
        return (self._root / self.name(row)).is_file()


def csv_pairs(path: Path, config: TrainConfig) -> Pairs:
    """Read a CSV of pairs. Raises `InputError` that names the line and column at fault."""
    names = [config.csv_img_key, config.csv_caption_key]
    file = PairsCsv(path, names, config.csv_separator, _REMEDY)
    batches = list(file.batches(names))
    if not sum(map(len, batches)):
        raise file.no_pairs()
    columns = pa.Table.from_batches(batches).columns
    paths, captions = (column.cast(pa.large_string()).combine_chunks() for column in columns)
    for name, values in zip(names, (paths, captions), strict=True):
        check_present(values, functools.partial(_where, file, name))
    if config.root_data_dir is not None:
        _stay_below(config.root_data_dir, paths, file)
    images = ImageFiles(config.root_data_dir, paths)
    _try_some(images, len(paths), file, config)
    return numbered(images, captions, file_id(path))


def _where(file: PairsCsv, name: str, row: int) -> str:
    return f"{file.path}: line {file.line_of(row)}: {name!r}"


def numbered(images: Images, captions: pa.Array, identity: str) -> Pairs:
    """Give pairs with each distinct caption once."""
    encoded = captions.dictionary_encode()
    numbers = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    return Pairs(images, encoded.dictionary, numbers, identity)


def check_present(values: pa.Array, where: Callable[[int], str]) -> None:
    """Raise `InputError` where a value is blank, or a word that stands for a missing one.

    ``where`` names a row in the message.
    """
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    bad = np.flatnonzero(pc.is_in(plain, _MISSING).to_numpy(zero_copy_only=False)).tolist()
    if bad:
        value = values[bad[0]].as_py()
        problem = "is empty" if not value.strip() else f"is {value!r}, a missing value"
        more = f" ({len(bad):,} rows are so)" if len(bad) > 1 else ""
        raise InputError(f"{where(bad[0])} {problem}{more}.")


def _stay_below(root: Path, paths: pa.Array, file: PairsCsv) -> None:
    outside = pc.match_substring_regex(paths, LEADS_OUT).to_numpy(zero_copy_only=False)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InputError(
            f"{file.path}: line {file.line_of(row)}: {paths[row].as_py()!r} leads out of the "
            f"root folder {root}."
        )


def _try_some(images: ImageFiles, rows: int, file: PairsCsv, config: TrainConfig) -> None:
    """Look for some of the images, spread over the file, so that a wrong root is known at once."""
    tried = np.unique(np.linspace(0, rows - 1, TRIED).astype(int)).tolist()
    with ThreadPoolExecutor(8) as pool:
        there = list(pool.map(images.is_there, tried))
    missing = [row for row, found in zip(tried, there, strict=True) if not found]
    if missing and (config.bad_images == "stop" or len(missing) == len(tried)):
        root = config.root_data_dir or Path(os.curdir).absolute()
        raise InputError(
            f"{file.path}: line {file.line_of(missing[0])}: there is no image "
            f"{images.name(missing[0])!r} in {root}; {len(missing)} of the {len(tried)} images "
            "looked for are missing."
        )
