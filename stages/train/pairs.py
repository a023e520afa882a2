"""The pairs to train on: where each image lies, and its caption; checked before anything is loaded.

Captions are kept once each with a number a row, in Arrow: five million rows as Python strings would
be copied into every worker process.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from pipeline.atomic import file_id
from pipeline.errors import InputError
from stages.train.config import TrainConfig

MISSING = ("", "nan", "null", "none", "n/a", "na", "<na>", "#n/a")
"""What a missing value looks like once some program wrote it as text; in lower case."""
TRIED = 256
"""Images that are looked for before training begins; the others when their turn comes."""
_LEAVES_ROOT = r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\x00"


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
    """Read a CSV of pairs. Raises `InputError` that names file, row and column of what is wrong."""
    table = _columns(path, [config.csv_img_key, config.csv_caption_key], config.csv_separator)
    paths, captions = (column.combine_chunks() for column in table.columns)
    for column, values in zip(
        (config.csv_img_key, config.csv_caption_key), (paths, captions), strict=True
    ):
        check_present(values, f"{path}: column {column!r}")
    if config.root_data_dir is not None:
        _stay_below(config.root_data_dir, paths, path)
    images = ImageFiles(config.root_data_dir, paths)
    _try_some(images, len(paths), path, config)
    return numbered(images, captions, file_id(path))


def numbered(images: Images, captions: pa.Array, identity: str) -> Pairs:
    """Give pairs with each distinct caption once."""
    encoded = captions.dictionary_encode()
    numbers = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    return Pairs(images, encoded.dictionary, numbers, identity)


def check_present(values: pa.Array, where: str) -> None:
    """Raise `InputError` where a value is empty, or what pandas writes for a missing one."""
    if not len(values):
        raise InputError(f"{where}: there are no rows.")
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    bad = np.flatnonzero(pc.is_in(plain, pa.array(MISSING)).to_numpy(zero_copy_only=False))
    if len(bad):
        value = values[int(bad[0])].as_py()
        said = "is empty" if not value.strip() else f"is {value!r}, a missing value"
        more = f" ({len(bad):,} rows are so)" if len(bad) > 1 else ""
        raise InputError(f"{where}, row {bad[0] + 1:,}: {said}{more}.")


def _columns(path: Path, names: Sequence[str], separator: str) -> pa.Table:
    """Read two columns of text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, delimiter=separator), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a CSV: {error}") from None
    for name in names:
        if name not in header:
            found = ", ".join(repr(column) for column in header[:8])
            raise InputError(
                f"{path}: has no column {name!r}; separated at {separator!r} its columns are "
                f"{found or 'none'}. See --csv-img-key, --csv-caption-key and --csv-separator."
            )
    try:
        table = pa.csv.read_csv(
            path,
            parse_options=pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                include_columns=list(names),
                column_types={name: pa.large_string() for name in names},
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise InputError(f"{path}: cannot be read as a CSV: {str(error).splitlines()[0]}") from None
    return table.select(list(names))


def _stay_below(root: Path, paths: pa.Array, path: Path) -> None:
    outside = pc.match_substring_regex(paths, _LEAVES_ROOT).to_numpy(zero_copy_only=False)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InputError(
            f"{path}, row {row + 1:,}: {paths[row].as_py()!r} leaves the root folder {root}."
        )


def _try_some(images: ImageFiles, rows: int, path: Path, config: TrainConfig) -> None:
    """Look for some of the images, spread over the file, so that a wrong root is known at once."""
    tried = np.unique(np.linspace(0, rows - 1, TRIED).astype(int)).tolist()
    with ThreadPoolExecutor(8) as pool:
        there = list(pool.map(images.is_there, tried))
    missing = [row for row, found in zip(tried, there, strict=True) if not found]
    if missing and (config.bad_images == "stop" or len(missing) == len(tried)):
        root = config.root_data_dir or Path(os.curdir).absolute()
        raise InputError(
            f"{path}, row {missing[0] + 1:,}: there is no image {images.name(missing[0])!r} in "
            f"{root}; {len(missing)} of the {len(tried)} images looked for are missing."
        )
