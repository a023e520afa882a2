"""The table ``statements`` of a run, read for images: what is true and what is false of each."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InputError
from pipeline.storage import Place
from skyscript.files.image_names import ImageNumbers
from skyscript.files.image_tables import ImageTable, Ints, Lists

STATEMENTS = ImageTable(
    "statements", ("filepath", "kind", "role", "text"), "if its config has statements.kinds"
)
TRUE, FALSE = "statement", "negative"
"""The roles of sentences on an image; the others are questions."""


class Said(NamedTuple):
    """Sentences on images."""

    texts: pa.Array
    """The distinct sentences; the lists hold their numbers."""
    true: Lists
    """The true sentences on each image."""
    false: Lists
    """The false ones."""
    identity: str
    """A digest of the content."""


def read_statements(path: Place, images: pa.Array, left_out: Container[str] = ()) -> Said:
    """Read the true and false sentences on distinct images, without some kinds.

    Raises `InputError` if the table is invalid, or has no sentence on any of the images.
    """
    parts = STATEMENTS.parts(path)
    names, numbers = ImageNumbers(images), dict[str, int]()
    found: dict[str, list[Ints]] = {TRUE: [], FALSE: []}
    for batch in STATEMENTS.batches(parts):
        kinds = [kind for kind in pc.unique(batch["kind"]).to_pylist() if kind not in left_out]
        used = batch.filter(pc.is_in(batch["kind"], pa.array(kinds, pa.string())))
        for role, pairs in found.items():
            pairs.append(_pairs(used.filter(pc.equal(used["role"], role)), names, numbers))
    image_and_text = {role: np.concatenate([_NOTHING, *some]) for role, some in found.items()}
    if not any(map(len, image_and_text.values())):
        raise InputError(f"{path}: has no sentence on any image, such as {images[0].as_py()!r}.")
    width = len(numbers)
    true, false = (
        Lists.of(image * width + text, len(images), width)
        for image, text in (pairs.T for pairs in image_and_text.values())
    )
    return Said(pa.array(list(numbers), pa.large_string()), true, false, STATEMENTS.identity(parts))


_NOTHING: Ints = np.empty((0, 2), np.int64)


def _pairs(rows: pa.RecordBatch, names: ImageNumbers, numbers: dict[str, int]) -> Ints:
    """Give the numbers of image and text of each row on a known image; number new texts."""
    if not len(rows):
        return _NOTHING
    image = names.find(rows["filepath"])
    known = rows.filter(pa.array(image >= 0))
    encoded = known["text"].dictionary_encode()
    text = [numbers.setdefault(text, len(numbers)) for text in encoded.dictionary.to_pylist()]
    of = np.array(text, np.int64)[encoded.indices.to_numpy()]
    return np.stack([image[image >= 0], of], 1)
