"""Finds pairs whose images are nearly the same, by the distance between their image hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stages.filter.config import FilterConfig

if TYPE_CHECKING:
    import duckdb

_BANDS = 4
"""Number of 16-bit bands of a hash. Two hashes that differ in at most 3 bits share one band."""


def select_bands(source: str, columns: str) -> str:
    """Give SQL for a row (columns, image_hash, band, bits) for each band of each image hash."""
    return (
        f"SELECT {columns}, image_hash, band, (image_hash >> (16 * band)) & 65535 AS bits "
        f"FROM {source}, range({_BANDS}) AS bands(band) WHERE image_hash IS NOT NULL"
    )


def find_copies(connection: duckdb.DuckDBPyConnection, config: FilterConfig) -> None:
    """Create ``copies`` (row): candidates with too many better pairs of nearly the same image.

    Pairs of equal hashes are reduced first, so that a frequent image costs no quadratic join.
    """
    connection.execute("CREATE TABLE copies (row BIGINT)")
    if config.max_per_image is None:
        return
    connection.execute(
        """
        CREATE TEMP TABLE looks AS
        SELECT row, plain, image_hash,
            row_number() OVER (PARTITION BY image_hash ORDER BY plain) AS of_image
        FROM candidates JOIN pairs USING (row) WHERE image_hash IS NOT NULL
        """
    )
    connection.execute(
        f"""
        INSERT INTO copies
        WITH few AS (SELECT * FROM looks WHERE of_image <= $most),
            banded AS ({select_bands("few", "row, plain")})
        SELECT row FROM looks WHERE of_image > $most
        UNION ALL
        SELECT worse.row FROM banded AS worse JOIN banded AS better USING (band, bits)
        WHERE better.plain < worse.plain
            AND bit_count(xor(better.image_hash, worse.image_hash)) <= $near
        GROUP BY worse.row HAVING count(DISTINCT better.row) >= $most
        """,
        {"most": config.max_per_image, "near": config.near},
    )
    connection.execute("DROP TABLE looks")
