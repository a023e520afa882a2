"""What each image shows and lacks for certain, as lists of concepts, from the table ``truth``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.scratch import ScratchParquet, view
from skyscript.files.truth import NO, YES

if TYPE_CHECKING:
    import duckdb

SHOWN = pa.schema(
    [
        pa.field("object_id", pa.string()),
        pa.field("shows", pa.list_(pa.string())),
        pa.field("lacks", pa.list_(pa.string())),
    ]
)


def register_shown(
    connection: duckdb.DuckDBPyConnection, folder: Path, truth: ds.Dataset | None
) -> None:
    """Create the view ``shown``: a row for each image of ``truth``; none without that table.

    A part of the table holds all rows of its images, so one part is in memory at a time.
    """
    with ScratchParquet(folder / "shown.parquet", SHOWN) as scratch:
        for columns in _shown(truth) if truth is not None else ():
            scratch.write(columns)
    view(connection, "shown", scratch.path)


def _shown(truth: ds.Dataset) -> Iterator[dict[str, pa.Array]]:
    for part in truth.get_fragments():
        table = part.to_table(columns=["object_id", "concept", "verdict"])
        ids = pc.unique(table["object_id"])
        shows, lacks = (_concepts(table, verdict, ids) for verdict in (YES, NO))
        yield {"object_id": ids, "shows": shows, "lacks": lacks}


def _concepts(table: pa.Table, verdict: str, ids: pa.Array) -> pa.ListArray:
    """Give the concepts of a verdict, in the order of the table, for each image."""
    some = table.filter(pc.equal(table["verdict"], verdict))
    image = pc.index_in(some["object_id"], value_set=ids).to_numpy()
    order = np.argsort(image, kind="stable")
    ends = np.searchsorted(image[order], np.arange(len(ids) + 1)).astype(np.int32)
    concepts = some["concept"].combine_chunks().take(pa.array(order))
    return pa.ListArray.from_arrays(pa.array(ends), concepts)
