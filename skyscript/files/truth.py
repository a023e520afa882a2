"""The table ``truth`` of a run, read for pairs: what each image shows, and what captions name.

A caption names the concepts of the objects that its images are centred on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InputError
from pipeline.storage import Place
from skyscript.files.image_names import ImageNumbers
from skyscript.files.image_tables import ImageTable, Ints, Lists
from skyscript.ragged import counted

YES, NO = "yes", "no"
COLUMNS = ("filepath", "concept", "focus", "verdict")
"""The columns of the table that say what an image shows."""
TRUTH = ImageTable("truth", COLUMNS, "if its config has density.cell")


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


def read_truth(path: Place, images: pa.Array, image_of: Ints, text_of: Ints) -> Truth:
    """Read what images show and what captions name.

    ``images`` are distinct paths. Pair *i* has the image ``image_of[i]`` and the caption
    ``text_of[i]``. Raises `InputError` if the table is invalid, or knows no image.
    """
    parts = TRUTH.parts(path)
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
    return Truth(concepts, shows, lacks, says, TRUTH.identity(parts))


def _rows(
    parts: Sequence[Path], focus: bool | None = None, verdict: str | None = None
) -> Iterator[pa.RecordBatch]:
    for batch in TRUTH.batches(parts):
        yield batch.filter(batch["focus"] if focus else pc.equal(batch["verdict"], verdict))


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
