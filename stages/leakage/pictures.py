"""The images to compare: those of a run, and those of a benchmark with what is known of places."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.atomic import TEMPORARY
from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from skyscript.files.image_tars import COLUMNS, ImageFile, image_file
from skyscript.files.pairs_csv import PairsCsv
from skyscript.files.paths import below, normalise
from skyscript.geo.tile import Box
from skyscript.imagery.opening import open_in_child
from skyscript.images.files import SUFFIXES

_TIFF = frozenset((".tif", ".tiff"))
_SIDES = tuple(Box._fields)
_POINTS = (("lon", "lat"), ("lng", "lat"), ("longitude", "latitude"))
_COLUMNS = [*COLUMNS, *_SIDES]
_LONGEST = 1 << 16
"""Letters of a header."""


class Picture(NamedTuple):
    """An image file, and where it was taken."""

    group: str
    """The benchmark, or the split."""
    path: str
    """As the table of pairs names it."""
    file: ImageFile
    box: Box | None
    """In degrees, of no size for a point; None if the place is unknown."""


class Paths:
    """A set of paths that takes 8 bytes for each."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._hashes = np.unique(np.fromiter(map(hash, paths), np.int64))

    def __contains__(self, path: str) -> bool:
        at = int(np.searchsorted(self._hashes, wanted := hash(path)))
        return at < len(self._hashes) and int(self._hashes[at]) == wanted


class Benchmark(NamedTuple):
    """A set of images that training must not have seen."""

    name: str
    folder: Path
    images: ds.Dataset | None = None
    """The table ``images``, if the folder is that of a run."""

    def pictures(self) -> Iterator[Picture]:
        """Give its images. Raises `InputError` if there is none, or if a CSV is invalid."""
        if self.images is not None:
            yield from pictures_of_run(self.folder, self.images, self.name)
            return
        if self.folder.is_file():
            raise InputError(f"{self.folder}: is a file; name the folder of a benchmark's images.")
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: there is no such folder of a benchmark.")
        files = list(_files(self.folder))
        if not files:
            raise InputError(
                f"{self.folder}: contains no image; they end in {', '.join(sorted(SUFFIXES))}."
            )
        paths = {file.relative_to(self.folder).as_posix(): file for file in files}
        stated, tiffs = _places(self.folder, paths), _boxes_of_tiffs(files)
        for path, file in paths.items():
            yield Picture(self.name, path, file, stated.get(path) or tiffs.get(file))


def pictures_of_run(root: Path, images: ds.Dataset, group: str) -> Iterator[Picture]:
    """Give the images of a run, in its order."""
    ok = pc.field("status") == STATUS_OK
    for batch in images.to_batches(columns=_COLUMNS, filter=ok):
        for row in batch.to_pylist():
            yield Picture(group, row["filepath"], image_file(root, row), Box.of(row))


def _files(folder: Path) -> Iterator[Path]:
    """Give the image files below a folder, in alphabetical order; hidden ones are skipped."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", TEMPORARY)):
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.suffix.lower() in SUFFIXES and entry.is_file():
            yield entry


def _places(folder: Path, images: Collection[str]) -> Mapping[str, Box]:
    """Give the boxes that the CSVs of a folder state, by the path of the image.

    Raises `InputError` for an invalid place, and for a CSV of places of other images only.
    """
    found: dict[str, Box] = {}
    for path in sorted(folder.glob("*.csv")):
        try:
            file = PairsCsv(path, ("filepath",))
        except InputError:
            if _may_state_places(path):
                raise
            continue  # a table of something else
        names = _coordinates(file.columns)
        own: dict[str, Box] = {}
        for number, (image, *texts) in enumerate(file.rows(names) if names else ()):
            if not any(texts):
                continue
            box = _box(texts)
            if box is None:
                raise InputError(
                    f"{path}: line {file.line_of(number)}: {', '.join(names[1:])} is "
                    f"{', '.join(texts)}, not a place in degrees."
                )
            own[_path_of(folder, image)] = box
        if own and not own.keys() & images:
            raise InputError(
                f"{path}: states places, but its first filepath, {next(iter(own))!r}, and all "
                "others name no image below this folder."
            )
        found |= own
    return found


def _may_state_places(path: Path) -> bool:
    """Tell whether the header of a CSV that cannot be read names images and coordinates."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        names = [cell.strip().strip('"') for cell in re.split("[,;\t]", file.readline(_LONGEST))]
    return "filepath" in names and bool(_coordinates(names))


def _coordinates(columns: Collection[str]) -> list[str]:
    """Give ``filepath`` and the columns of a box, or of a point; nothing if there are none."""
    for names in (_SIDES, *_POINTS):
        if set(names) <= set(columns):
            return ["filepath", *names]
    return []


def _path_of(folder: Path, name: str) -> str:
    try:
        return below(folder, name.lstrip("/")).relative_to(folder).as_posix()
    except PermissionError:
        return normalise(name)  # it names no image of this folder


def _box(texts: list[str]) -> Box | None:
    """Read a box or a point in degrees; None if it is none."""
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return None
    west, south, east, north = numbers if len(numbers) == 4 else numbers * 2
    fits = -180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90
    return Box(west, south, east, north) if fits else None


def _boxes_of_tiffs(files: list[Path]) -> dict[Path, Box]:
    """Give the boxes of the GeoTIFFs among some files; a broken file has none."""
    tiffs = [file for file in files if file.suffix.lower() in _TIFF]
    if not tiffs:
        return {}
    found, _ = open_in_child(_box_of_tiff, tiffs)
    return {file: box for file, box in found if box}


def _box_of_tiff(file: Path) -> tuple[Path, Box | None]:
    """Give a TIFF and its box in degrees; None if it states no place. Raises `InputError`."""
    import rasterio
    from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
    from rasterio.warp import transform_bounds

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(file, driver="GTiff") as raster:
                if raster.crs is None or raster.transform.is_identity:
                    return file, None
                bounds = transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
        except (RasterioError, CRSError) as error:
            raise InputError(f"{file}: {error}") from None
    return file, Box(*bounds)
