"""The table ``truth`` of a run, read for pairs: what each image shows, and what captions name.

A caption names the concepts of the objects that its images are centred on. Images are known by
their file names, which SkyScript gives only once, so their folder may differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.identity import identify
from skyscript.files.image_names import ImageNumbers
from skyscript.ragged import counted

YES, NO = "yes", "no"
COLUMNS = ("filepath", "concept", "focus", "verdict")
"""Those of the table that say what an image shows."""
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
        """Give a row of ``width`` numbers for each of some rows: 1 for those in its list."""
        counts = self.start[rows + 1] - self.start[rows]
        at = np.repeat(np.arange(len(rows)), counts)
        found = np.zeros((len(rows), width), dtype=np.uint8)
        found[at, self.values[np.repeat(self.start[rows], counts) + counted(counts)]] = 1
        return found


class Truth(NamedTuple):
    """What images show, of all that captions name."""

    concepts: list[str]
    """All that captions name, in alphabetical order; the lists hold their numbers."""
    shows: Lists
    """What each image certainly shows."""
    lacks: Lists
    """What each image certainly does not show."""
    says: Lists
    """What each caption names: what the own objects of all its images have in common."""
    identity: str
    """A digest of the content."""


def truth_parts(path: Path) -> list[Path]:
    """Give the Parquet files of a run's table, of a folder, or the file itself.

    Raises `InputError` if there is none, or if it lacks a column.
    """
    table = path / "tables" / "truth"
    folder = table if table.is_dir() else path
    parts = sorted(folder.glob("*.parquet")) if folder.is_dir() else [folder]
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder.")
    if not parts:
        raise InputError(
            f"{path}: holds no table truth; a run makes it if its config has density.cell."
        )
    try:
        missing = set(COLUMNS) - set(pq.read_schema(parts[0]).names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{parts[0]}: is not Parquet: {str(error).splitlines()[0]}") from None
    if missing:
        raise InputError(
            f"{parts[0]}: is no table truth: it has no column {', '.join(sorted(missing))}."
        )
    return parts


def read_truth(path: Path, images: pa.Array, image_of: Ints, text_of: Ints) -> Truth:
    """Read what images show and what captions name.

    ``images`` are distinct paths. Pair *i* has the image ``image_of[i]`` and the caption
    ``text_of[i]``. Raises `InputError` if the table is invalid, or knows no image.
    """
    parts = truth_parts(path)
    names = ImageNumbers(images)
    named = [pc.unique(rows["concept"]) for rows in _rows(parts, focus=True)]
    concepts = sorted({name for some in named for name in some.to_pylist()})
    width = len(concepts)
    own = _keys(_rows(parts, focus=True), names, concepts)
    if not len(own):
        raise InputError(f"{path}: has no row for any image, such as {images[0].as_py()!r}.")
    shows, lacks = (
        Lists.of(_keys(_rows(parts, verdict=verdict), names, concepts), len(images), width)
        for verdict in (YES, NO)
    )
    says = _common(Lists.of(own, len(images), width), image_of, text_of, width)
    identity = content_id("".join(map(identify, parts)).encode())
    return Truth(concepts, shows, lacks, says, identity)


def _rows(
    parts: Sequence[Path], focus: bool | None = None, verdict: str | None = None
) -> Iterator[pa.RecordBatch]:
    for part in parts:
        try:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(columns=list(COLUMNS)):
                    yield batch.filter(
                        batch["focus"] if focus else pc.equal(batch["verdict"], verdict)
                    )
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{part}: cannot be read as a table truth: {str(error).splitlines()[0]}"
            ) from None


def _keys(rows: Iterator[pa.RecordBatch], names: ImageNumbers, concepts: list[str]) -> Ints:
    """Give an image's number x the number of concepts + a concept's number, for each row."""
    found = [np.empty(0, dtype=np.int64)]
    numbers = pa.array(concepts, pa.string())
    for batch in rows:
        if len(batch):
            concept = pc.fill_null(pc.index_in(batch["concept"], value_set=numbers), -1).to_numpy()
            image = names.find(batch["filepath"])
            known = (concept >= 0) & (image >= 0)
            found.append(image[known] * len(concepts) + concept[known])
    return np.concatenate(found)


def _common(own: Lists, image_of: Ints, texts: Ints, width: int) -> Lists:
    """Give for each text the numbers in the lists of all its images that have a list."""
    known = np.diff(own.start)[image_of] > 0
    image_of, of = image_of[known], texts[known]
    count = int(texts.max(initial=-1)) + 1
    images = np.bincount(of, minlength=count)
    lengths = np.diff(own.start)[image_of]
    text = np.repeat(of, lengths)
    values = own.values[np.repeat(own.start[image_of], lengths) + counted(lengths)]
    keys, numbers = np.unique(text * width + values, return_counts=True)
    return Lists.of(keys[numbers == images[keys // width]], count, width)
