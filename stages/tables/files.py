"""The tables of files that stages write for readers outside the pipeline."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from pipeline.atomic import content_id_of_file
from pipeline.schema import Table
from pipeline.stage import Owned
from pipeline.storage import Place
from stages.tables.columns import table

FILES = table(
    "files",
    pa.field("filepath", pa.string(), nullable=False),  # relative to the run folder
    pa.field("rows", pa.int64(), nullable=False),
    pa.field("byte_size", pa.int64(), nullable=False),
    pa.field("content_hash", pa.string(), nullable=False),
)
"""The unfiltered CSV, for readers outside the pipeline."""

REPORT = Table("report", FILES.schema, key="filepath")
"""The report's files."""

FILTERED = Table("filtered", FILES.schema, key="filepath")
"""The filtered CSVs and the filter's report."""

SCORED = Table("scored", FILES.schema, key="filepath")
"""The captions file with its scores."""


def files_written(root: Place, rows: Mapping[str, int]) -> pa.Table:
    """Give a table of files in a run folder; ``rows`` maps each path to its number of rows."""
    return pa.table(
        {
            "filepath": list(rows),
            "rows": list(rows.values()),
            "byte_size": [(root / name).stat().st_size for name in rows],
            "content_hash": [content_id_of_file(root / name) for name in rows],
        },
        schema=FILES.schema,
    )


def owned_files(*globs: str | None) -> tuple[Owned, ...]:
    """Give the side files of a stage whose table lists files; see `Owned` for the globs."""
    return tuple(Owned(glob, "filepath", "byte_size", "content_hash") for glob in globs)
