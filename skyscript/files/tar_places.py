"""Finds images by name in the tars of a run, for readers that get a CSV of image paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.errors import InputError
from pipeline.parquet_files import open_parts
from pipeline.storage import Place, matching, scan
from skyscript.files.image_names import ImageNumbers
from skyscript.files.image_tars import COLUMNS, FOLDER, UNPACK, ImageFile, ImageInTar, image_file
from skyscript.files.paths import below

InTars = Mapping[str, ImageInTar]
"""The places of images in tars by name; an image that it lacks is a file."""


class TarPlaces:
    """The places of many images in tars: some 20 bytes for each."""

    def __init__(self, root: Place, batches: Iterable[pa.RecordBatch], paths: pa.Array) -> None:
        """Find images in rows of the table ``images``; one that no tar holds is a file."""
        encoded = paths.dictionary_encode()
        names: pa.Array = encoded.dictionary
        self._root, self._names, self._name_of = root, names, encoded.indices.to_numpy()
        self._tars: dict[str, int] = {}
        self._tar = np.full(len(names), -1, np.int32)
        self._offset, self._size = np.zeros(len(names), np.int64), np.zeros(len(names), np.int32)
        numbers = ImageNumbers(names)
        for batch in batches:
            inside = batch.filter(batch["tar"].is_valid())
            number = numbers.find(inside["filepath"])
            known = np.flatnonzero(number >= 0)
            at, rows = number[known], inside.take(pa.array(known))
            tars = [self._tars.setdefault(t, len(self._tars)) for t in rows["tar"].to_pylist()]
            self._tar[at] = tars
            self._offset[at] = rows["tar_offset"].to_numpy()
            self._size[at] = rows["byte_size"].to_numpy()
        self._tar_names = list(self._tars)

    def file(self, path: int) -> ImageFile:
        """Give the file, or the place in a tar, of the image with this number."""
        number = self._name_of[path]
        row: dict[str, object] = {"filepath": self._names[number].as_py()}
        if (tar := int(self._tar[number])) >= 0:
            row |= {"tar": self._tar_names[tar], "tar_offset": int(self._offset[number])}
            row["byte_size"] = int(self._size[number])
        return image_file(self._root, row)


def has_tars(root: Place) -> bool:
    """Tell whether a folder is a run with images in tars."""
    return any(entry.name.endswith(".tar") for entry in scan(root / FOLDER))


def tar_places(root: Place, paths: pa.Array) -> TarPlaces | None:
    """Find images in the tars of a run; None if the folder has no tars.

    Raises `InputError` if it has tars, but no usable table ``images``.
    """
    return TarPlaces(root, _rows_of(root), paths) if has_tars(root) else None


def named_in_tars(root: Place, names: Iterable[str]) -> InTars:
    """Give, by name, the places of those images that are stored in tars of the run.

    Memory holds the places of all of them.
    """
    if not has_tars(root):
        return {}
    wanted = pc.field("filepath").isin(pa.array([*dict.fromkeys(names)], pa.string()))
    found = (rows_in_tars(root, pa.Table.from_batches([b])) for b in _rows_of(root, wanted))
    return {name: file for some in found for name, file in some.items()}


def _rows_of(root: Place, wanted: pc.Expression | None = None) -> Iterator[pa.RecordBatch]:
    """Yield rows of the table ``images`` of a run with tars."""
    parts = matching(root / "tables" / "images", "part-*.parquet")
    if not parts:
        raise InputError(
            f"{root}: its images lie in tars, but it lacks the table images, which says where. "
            f"Unpack them: {UNPACK}"
        )
    try:
        yield from open_parts(parts, None).to_batches(columns=list(COLUMNS), filter=wanted)
    except (pa.ArrowException, OSError, LookupError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{parts[0].parent}: is no table images: {reason}") from None


def images_in_tars(root: Place, images: ds.Dataset, names: Iterable[str]) -> InTars:
    """Give the same from the table ``images`` of the run."""
    wanted = pc.field("tar").is_valid() & pc.field("filepath").isin(pa.array([*names], pa.string()))
    return rows_in_tars(root, images.to_table(columns=list(COLUMNS), filter=wanted))


def rows_in_tars(root: Place, images: pa.Table) -> InTars:
    """Give, by path, the places of those images of the given rows that are stored in tars."""
    rows = images.select(list(COLUMNS)).filter(images["tar"].is_valid()).to_pylist()
    found = {row["filepath"]: image_file(root, row) for row in rows}
    return {name: file for name, file in found.items() if isinstance(file, ImageInTar)}


def find_image(root: Place, name: str, inside: InTars) -> ImageFile:
    """Give the file, or the place in a tar, of a named image.

    Raises `PermissionError` if the name leads out of the folder.
    """
    return inside.get(name) or below(root, name)
