"""Finds the pairs of the web that repeat others: the same pair, or nearly the same image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

from pipeline.scratch import database, scratch
from pipeline.storage import Place
from skyscript.clip.vectors.copies import Sameness, find_copies

if TYPE_CHECKING:
    import duckdb

SAME_PAIR = "the same image with the same caption is there already"
SAME_IMAGE = "a better pair shows nearly the same image"


class Repeats(NamedTuple):
    """The rows of pairs that are not kept, ascending: 8 bytes each."""

    of_pairs: NDArray[np.int64]
    of_images: NDArray[np.int64]

    def reason(self, row: int) -> str | None:
        """Return why a row is not kept; None if it is no repeat."""
        for rows, reason in ((self.of_pairs, SAME_PAIR), (self.of_images, SAME_IMAGE)):
            at = int(np.searchsorted(rows, row))
            if at < len(rows) and rows[at] == row:
                return reason
        return None


def find_repeats(
    pairs: ds.Dataset, judged: ds.Dataset, threshold: float, same: Sameness | None, root: Place
) -> Repeats:
    """Find the repeats among the pairs with at least this probability.

    Of the same pair, the first row stays. Of nearly the same image, the pairs with the highest
    probability stay, and the first rows of equal ones; with ``same`` None, all of them.
    """
    with scratch(root, "repeats") as folder, database(folder) as connection:
        connection.register("pairs", pairs.scanner(columns=["row", "title"]))
        found = ["row", "probability", "content_hash", "image_hash"]
        is_fit = pc.field("probability") >= pa.scalar(threshold)
        connection.register("judged", judged.scanner(columns=found, filter=is_fit))
        connection.execute(
            """
            CREATE TABLE fit AS
            SELECT row, probability, content_hash, ('0x' || image_hash)::UBIGINT AS image_hash,
                row_number() OVER (PARTITION BY content_hash, title ORDER BY row) AS of_pair
            FROM judged JOIN pairs USING (row)
            """
        )
        of_images = np.empty(0, np.int64)
        if same is not None:
            find_copies(connection, _LOOKS, same._replace(vectors=_find_vectors(judged, root)))
            of_images = _rows(connection.sql("SELECT DISTINCT row FROM copies ORDER BY row"))
        of_pairs = _rows(connection.sql("SELECT row FROM fit WHERE of_pair > 1 ORDER BY row"))
    return Repeats(of_pairs, of_images)


_LOOKS = """
    (SELECT row, image_hash, content_hash, row_number() OVER (ORDER BY probability DESC, row)
        AS plain FROM fit WHERE of_pair = 1)
"""


def _rows(found: duckdb.DuckDBPyRelation) -> NDArray[np.int64]:
    rows: NDArray[np.int64] = found.fetchnumpy()["row"]
    return rows


def _find_vectors(judged: ds.Dataset, root: Place) -> Place | None:
    """Return the folder of the vectors; None if no image has one."""
    for batch in judged.to_batches(columns=["vectors"], filter=pc.field("vectors").is_valid()):
        if len(batch):
            return root / str(batch.column(0)[0])
    return None
