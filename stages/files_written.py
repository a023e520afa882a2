"""The row that a file for readers outside the pipeline has in its stage's table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from stages import tables


def files_written(root: Path, rows: Mapping[str, int]) -> pa.Table:
    """Give the rows of files in a run folder, named with how many rows each holds."""
    return pa.table(
        {
            "filepath": list(rows),
            "rows": list(rows.values()),
            "byte_size": [(root / name).stat().st_size for name in rows],
            "content_hash": [_digest(root / name) for name in rows],
        },
        schema=tables.FILES.schema,
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
