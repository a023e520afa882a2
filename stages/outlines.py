"""Outlines: where each source may show something, and how sharply.

This stage is before `sample`, so that it chooses only objects that a source can show. The stage
`index` is after it, because services are asked only about the places of the chosen objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
from pydantic import Field

from pipeline.stage import DatasetStage, StageConfig
from pipeline.storage import Place
from skyscript.backends.outlines import Outline, outlines
from skyscript.backends.registry import Sources, folder_ids, registry_ids
from stages import tables

_PART_ROWS = 50_000


class OutlinesConfig(StageConfig):
    """Where images come from."""

    sources: Sources = Field({})


def list_outlines(*, config: OutlinesConfig, root: Place) -> Iterator[pa.Table]:  # noqa: ARG001
    """List where each source may show something: a folder's files, a service's stated coverage.

    Without sources, it is the whole world. Raises `InputError` if a folder cannot be used.
    """
    found = outlines(config.sources)
    for start in range(0, len(found), _PART_ROWS):
        columns = zip(*found[start : start + _PART_ROWS], strict=True)
        table = pa.table(dict(zip(Outline._fields, map(list, columns), strict=True)))
        yield table.rename_columns(tables.OUTLINES.schema.names).cast(tables.OUTLINES.schema)


def _external(config: OutlinesConfig) -> Mapping[str, str]:
    return folder_ids(config.sources) | registry_ids(config.sources)


OUTLINES = DatasetStage(
    "outlines",
    list_outlines,
    OutlinesConfig,
    reads=(),
    writes=tables.OUTLINES,
    external=_external,
)
