"""What is judged: the captions of a run, or the statements on its images, each with its image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow.dataset as ds

from pipeline.errors import InputError
from skyscript.captions.captioned import captioned_images, described_images
from skyscript.files.verdicts import CAPTION, Text
from skyscript.osm.tags import Tags
from stages.judged.config import JudgedConfig

_READ = [
    *("statement_id", "object_id", "filepath", "kind", "role", "text", "answer", "bins"),
    *("claim", "rests_on"),
]
_BY_METADATA = frozenset({"date", "gsd", "season"})
"""Kinds of statements that rest on the metadata of an image: its pixels do not show them."""
_WITH_BOX = "referring"
"""The kind whose text names a thing, and not the box where it is."""


class Unit(NamedTuple):
    """An image and one text on it."""

    unit_id: str
    """The id of a statement, or of the image of a caption."""
    object_id: str
    """The id of the image's focus object."""
    filepath: str
    text: str
    kind: str
    """The kind of the statement, or ``caption``."""
    is_true: bool
    """False: the run made the text to be wrong, as a negative."""
    source: str
    gsd: float
    tags: Tags
    """The visible ones of the focus object."""
    claim: str = ""
    """Of a statement, as its kind defines it."""
    rests_on: tuple[str, ...] = ()
    """The OSM objects of a statement."""

    @property
    def key(self) -> Text:
        """Give what tells it from the others of a file of verdicts."""
        return Text(self.filepath, self.text, self.kind)


def units_of(meta: ds.Dataset, said: ds.Dataset, config: JudgedConfig) -> Iterator[Unit]:
    """Yield what can be judged, in the order of the run; ``said`` holds captions or statements.

    Statements that rest on the metadata alone are left out. Raises `InputError` if the tables are
    not of one run.
    """
    if config.what == "statements":
        yield from _statements(meta, said)
        return
    for one in captioned_images(meta, said, config.caption):
        name, caption = one.object_id, one.caption
        about = one.source, one.gsd, one.tags
        yield Unit(name, name, one.filepath, caption, CAPTION, True, *about)


def _statements(meta: ds.Dataset, statements: ds.Dataset) -> Iterator[Unit]:
    """Yield the statements; those of an image are together, in the order of ``meta``."""
    images = described_images(meta)
    image: tuple[str, str, float, Tags] | None = None
    for batch in statements.to_batches(columns=_READ):
        for row in batch.to_pylist():
            while image is None or image[0] != row["object_id"]:
                image = next(images, None)
                if image is None:
                    raise InputError("The tables meta and statements are of different runs.")
            if row["kind"] not in _BY_METADATA:
                yield _unit(row, image[1:])


def _unit(row: dict[str, Any], about: tuple[str, float, Tags]) -> Unit:
    number, image, path = row["statement_id"], row["object_id"], row["filepath"]
    is_true = row["role"] != "negative"
    proof = row["claim"], tuple(row["rests_on"])
    return Unit(number, image, path, _text(row), row["kind"], is_true, *about, *proof)


def _text(row: dict[str, Any]) -> str:
    """Give the text to judge: of a question with its answer."""
    if row["role"] == "question":
        return f"{row['text']} {row['answer']}"
    if row["kind"] == _WITH_BOX:
        return f"{row['text']}: the box {row['bins']}"
    return str(row["text"])
