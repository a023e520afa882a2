"""Finds images of a ranking that are nearly the same as better ones, by hashes and CLIP vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.storage import Place
from skyscript.clip.vectors.alike import find_alike
from skyscript.clip.vectors.store import Store

if TYPE_CHECKING:
    import duckdb

_AT_ONCE = 1 << 16
_BANDS = 4
"""Number of 16-bit bands of a hash. Two hashes that differ in at most 3 bits share one band."""
DIGEST = "[0-9a-f]{32}"
"""A pattern for the hexadecimal digits of a content id."""


class Sameness(NamedTuple):
    """When two images are nearly the same, and how many such images stay."""

    most: int
    near: int
    """Bits of the image hash that may differ, at most 3."""
    alike: float | None
    """The least cosine of their vectors; None if vectors are not compared."""
    vectors: Place | None = None
    """The folder of the vectors, or a folder of such folders."""


def select_bands(source: str, columns: str) -> str:
    """Give SQL for a row (columns, image_hash, band, bits) for each band of each image hash."""
    return (
        f"SELECT {columns}, image_hash, band, (image_hash >> (16 * band)) & 65535 AS bits "
        f"FROM {source}, range({_BANDS}) AS bands(band) WHERE image_hash IS NOT NULL"
    )


Hashes = NDArray[np.uint64]


def are_near(hashes: Hashes, others: Hashes, near: int) -> NDArray[np.bool_]:
    """Tell which image hashes differ in at most ``near`` bits, at most 3, from any of the others.

    This needs one near hash, so that a row is left out of later bands once it has one.
    `find_copies` counts the distinct better rows near each row, and needs all their pairs.
    Memory holds 48 bytes for each of the others and 3 MB more.
    """
    bands = _sort_by_bands(np.unique(others))
    found = np.zeros(len(hashes), np.bool_)
    for start in range(0, len(hashes), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        _mark_near(found[part], hashes[part], bands, near)
    return found


class _Band(NamedTuple):
    """Hashes in the order of one of their bands."""

    hashes: Hashes
    begins: NDArray[np.int32]
    """Index of the first hash for each of the 65,536 values of the band."""
    counts: NDArray[np.int32]


def _sort_by_bands(hashes: Hashes) -> list[_Band]:
    bands = []
    for bits in _split(hashes):
        counts = np.bincount(bits, minlength=1 << 16).astype(np.int32)
        begins = (np.cumsum(counts) - counts).astype(np.int32)
        bands.append(_Band(hashes[np.argsort(bits, kind="stable")], begins, counts))
    return bands


def _split(hashes: Hashes) -> NDArray[np.uint16]:
    """Give the bands of some hashes: shape (bands, hashes)."""
    return np.ascontiguousarray(hashes).view(np.uint16).reshape(-1, _BANDS).T


def _mark_near(found: NDArray[np.bool_], hashes: Hashes, bands: Sequence[_Band], near: int) -> None:
    """Mark the hashes that are near one of those in ``bands``.

    Each hash is compared with the first one with the same bits, all with one call, then each with
    its second one, and so on, until it is found or has no more.
    """
    for own, band in zip(_split(hashes), bands, strict=True):
        rows = np.flatnonzero((band.counts[own] > 0) & ~found)
        mine, at, left = hashes[rows], band.begins[own[rows]], band.counts[own[rows]]
        while len(rows):
            close = np.bitwise_count(band.hashes[at] ^ mine) <= near
            found[rows[close]] = True
            more = np.flatnonzero((left > 1) & ~close)
            rows, mine, at, left = rows[more], mine[more], at[more] + 1, left[more] - 1


def find_copies(connection: duckdb.DuckDBPyConnection, looks: str, same: Sameness) -> None:
    """Create ``copies`` (row): the rows of ``looks`` with ``same.most`` better ones that are alike.

    ``looks`` is a table or SQL with the columns row, plain (the place in the ranking, from 1),
    image_hash and content_hash. The better rows are alike by image hash, or by vector. Raises
    `InputError` if vectors are to be compared and one is missing.
    """
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE looks AS
        SELECT row, plain, image_hash, content_hash,
            row_number() OVER (PARTITION BY image_hash ORDER BY plain) AS of_hash,
            row_number() OVER (PARTITION BY content_hash ORDER BY plain) AS of_content
        FROM {looks}
        """
    )
    connection.execute(
        f"""
        CREATE TABLE copies AS
        WITH few AS (SELECT * FROM looks WHERE of_hash <= $most),
            banded AS ({select_bands("few", "row, plain")})
        SELECT row FROM looks WHERE of_hash > $most AND image_hash IS NOT NULL
            OR of_content > $most AND content_hash IS NOT NULL
        UNION ALL
        SELECT worse.row FROM banded AS worse JOIN banded AS better USING (band, bits)
        WHERE better.plain < worse.plain
            AND bit_count(xor(better.image_hash, worse.image_hash)) <= $near
        GROUP BY worse.row HAVING count(DISTINCT better.row) >= $most
        """,
        {"most": same.most, "near": same.near},
    )
    if same.alike is not None:
        _add_alike(connection, same, same.alike)
    connection.execute("DROP TABLE looks")


def _add_alike(connection: duckdb.DuckDBPyConnection, same: Sameness, alike: float) -> None:
    """Add the rows to ``copies`` whose vector is like those of better rows."""
    if same.vectors is None:
        raise InputError("alike compares vectors: name the folder of the vectors.")
    store = Store.open_existing(same.vectors)
    rows, keys = _read_keys(connection, same.most)

    def fetch(numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        found = store.get([key.tobytes() for key in keys[numbers]])
        if lost := int(len(numbers) - found.is_stored.sum()):
            raise InputError(
                f"{same.vectors}: has no vector of {lost:,} of {len(numbers):,} images that are "
                "compared; name the vectors of the run or job that scored them, or score again."
            )
        return found.vectors

    is_copy = find_alike(len(rows), fetch, alike, same.most)
    connection.register("alike", pa.table({"row": rows[is_copy]}))
    connection.execute("INSERT INTO copies SELECT row FROM alike")
    connection.unregister("alike")


def _read_keys(
    connection: duckdb.DuckDBPyConnection, most: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Give the rows with a content id in the order of the ranking, and the ids as 16 bytes.

    Rows of equal content are left out beyond ``most``, because they are copies already.
    """
    reader = connection.sql(
        "SELECT row, content_hash FROM looks "
        "WHERE of_content <= $most AND content_hash IS NOT NULL ORDER BY plain",
        params={"most": most},
    ).to_arrow_reader()
    rows, keys = [np.empty(0, np.int64)], [np.empty((0, 16), np.uint8)]
    for batch in reader:
        digits = "".join(batch["content_hash"].to_pylist())
        rows.append(batch["row"].to_numpy())
        keys.append(np.frombuffer(bytes.fromhex(digits), np.uint8).reshape(-1, 16))
    return np.concatenate(rows), np.concatenate(keys)
