"""The images of a run that have a caption, read from its tables a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import pyarrow.dataset as ds

from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from skyscript.osm.tags import Tags, tags_of

Column = Literal["title", "title_multi_objects"]


class Captioned(NamedTuple):
    """An image with its caption."""

    object_id: str
    filepath: str
    caption: str
    source: str
    gsd: float
    tags: Tags
    """The visible ones of its focus object."""


def captioned_images(meta: ds.Dataset, captions: ds.Dataset, column: Column) -> Iterator[Captioned]:
    """Yield the images with a caption; the rows of both tables are in the same order.

    Raises `InputError` if they are not of one run.
    """
    for described, said in zip(described_images(meta), _said(captions, column), strict=True):
        if described[0] != said[0]:
            raise InputError("The tables meta and captions are of different runs.")
        if said[1] and said[2] is not None:
            yield Captioned(described[0], said[1], said[2], *described[1:])


def described_images(meta: ds.Dataset) -> Iterator[tuple[str, str, float, Tags]]:
    """Yield object id, source, GSD in metres and visible tags of each row of ``meta``."""
    names = ["object_id", "source", "gsd", "center_tags"]
    for batch in meta.to_batches(columns=names):
        columns = (batch.column(name).to_pylist() for name in names[:3])
        yield from zip(*columns, tags_of(batch.column("center_tags")), strict=True)


def _said(captions: ds.Dataset, column: Column) -> Iterator[tuple[str, str | None, str | None]]:
    for batch in captions.to_batches(columns=["object_id", "filepath", column, "status"]):
        rows = zip(*(part.to_pylist() for part in batch.columns), strict=True)
        for name, path, caption, status in rows:
            yield name, path if status == STATUS_OK else None, caption
