"""Splits the pairs into test, validation and training, before the selection by score.

``split`` in the table ``homes`` is test, val or train. It is null for a pair in no split, and then
``reason`` says why: its image crosses the edge of a held-out block, or its object or image is held
out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import InputError
from skyscript import chance
from stages.filter.config import FilterConfig

if TYPE_CHECKING:
    import duckdb

HELD_OUT = ("test", "val")
ACROSS = "reaches over the edge of a block set aside"
SAME_OBJECT = "its object is set aside"
SAME_IMAGE = "its image is set aside"
NEAR_IMAGE = "nearly the same image is set aside"
_BATCH = 1 << 16
_BANDS = 4
"""Number of 16-bit bands of a hash. Two hashes that differ in at most 3 bits share one band."""


def split_pairs(connection: duckdb.DuckDBPyConnection, config: FilterConfig, where: str) -> None:
    """Create ``homes`` (row, split, reason) from ``pairs``."""
    if config.split == "leakage_safe":
        _check_boxes(connection, where)
        _split_by_block(connection, config)
    else:
        _split_by_object(connection, config)
    for held_out in HELD_OUT:
        _exclude_sharing(connection, held_out, "object_id", SAME_OBJECT)
        _exclude_sharing(connection, held_out, "content_hash", SAME_IMAGE)
        _exclude_near(connection, held_out, config.near)


def _count_wanted(connection: duckdb.DuckDBPyConnection, config: FilterConfig) -> dict[str, int]:
    """Return how many pairs each held-out split needs, so that its best percentage suffices."""
    [(count,)] = connection.execute("SELECT count(*) FROM pairs").fetchall()
    most = int(count * config.max_held_out)
    rows = {"test": config.test_rows, "val": config.val_rows}
    return {side: min(most, -(-n * 100 // config.held_out_top)) for side, n in rows.items()}


def _check_boxes(connection: duckdb.DuckDBPyConnection, where: str) -> None:
    [(missing,)] = connection.execute(
        "SELECT count(*) FROM pairs WHERE west IS NULL OR north IS NULL"
    ).fetchall()
    if missing:
        raise InputError(
            f"{where}: {missing:,} pairs have no position, which a leakage-safe split needs: give "
            "their meta files with --meta, or use --set split=random."
        )


def _split_by_block(connection: duckdb.DuckDBPyConnection, config: FilterConfig) -> None:
    """Create ``homes`` by drawing held-out blocks.

    A pair belongs to the block of its centre. A pair that touches blocks of two splits is excluded,
    so that no pixel of the Earth is in two splits.
    """
    _find_blocks(connection, config.block)
    _draw_blocks(connection, config)
    connection.execute(
        """
        CREATE TABLE homes AS
        WITH columns_touched AS (
            SELECT row, x, y, y0, y1, (x1 - x0 + 1) * (y1 - y0 + 1) AS all_blocks,
                unnest(range(x0, x1 + 1))::INT AS block_x
            FROM places
        ), blocks_touched AS (
            SELECT *, unnest(range(y0, y1 + 1))::INT AS block_y FROM columns_touched
        ), touched AS (
            SELECT row, max(side) FILTER (WHERE block_x = x AND block_y = y) AS home,
                count(*) AS held_out_blocks, count(DISTINCT side) AS sides,
                any_value(all_blocks) AS all_blocks
            FROM blocks_touched JOIN held_out USING (block_x, block_y) GROUP BY row
        )
        SELECT row,
            CASE WHEN sides IS NULL THEN 'train'
                WHEN home IS NOT NULL AND sides = 1 AND held_out_blocks = all_blocks THEN home
                END AS split,
            CASE WHEN split IS NULL THEN $across END AS reason
        FROM pairs LEFT JOIN touched USING (row)
        """,
        {"across": ACROSS},
    )


def _find_blocks(connection: duckdb.DuckDBPyConnection, side: float) -> None:
    """Create ``places``: the block of each pair's centre, and the range of blocks it touches."""
    connection.execute(
        """
        CREATE TABLE places AS
        SELECT row, floor((west + east) / 2 / $side)::INT AS x,
            floor((south + north) / 2 / $side)::INT AS y,
            floor(west / $side)::INT AS x0, floor(east / $side)::INT AS x1,
            floor(south / $side)::INT AS y0, floor(north / $side)::INT AS y1
        FROM pairs
        """,
        {"side": side},
    )


def _draw_blocks(connection: duckdb.DuckDBPyConnection, config: FilterConfig) -> None:
    """Create ``held_out`` (block_x, block_y, side): blocks until each split has enough pairs.

    A block with more pairs than a split still needs remains in training.
    """
    blocks = connection.execute("SELECT x, y, count(*) FROM places GROUP BY x, y").fetchall()
    drawn = sorted(blocks, key=lambda b: chance.uniform(config.seed, f"{b[0]}/{b[1]}", "set aside"))
    wanted = _count_wanted(connection, config)
    chosen: list[dict[str, object]] = []
    for x, y, count in drawn:
        side = next((s for s in HELD_OUT if 0 < count <= wanted[s]), None)
        if side is not None:
            wanted[side] -= count
            chosen.append({"block_x": x, "block_y": y, "side": side})
    schema = pa.schema([("block_x", pa.int32()), ("block_y", pa.int32()), ("side", pa.string())])
    connection.register("held_out", pa.Table.from_pylist(chosen, schema=schema))


def _split_by_object(connection: duckdb.DuckDBPyConnection, config: FilterConfig) -> None:
    """Create ``homes`` by drawing objects until each split has enough pairs."""
    connection.execute("CREATE TABLE drawn (object_id VARCHAR, draw DOUBLE)")
    reader = connection.cursor()
    reader.execute("USE work")
    reader.execute("SELECT DISTINCT object_id FROM pairs")
    while rows := reader.fetchmany(_BATCH):
        names = [name for (name,) in rows]
        draws = [chance.uniform(config.seed, name, "set aside") for name in names]
        connection.register("more", pa.table({"object_id": names, "draw": draws}))
        connection.execute("INSERT INTO drawn SELECT * FROM more")
    reader.close()
    wanted = _count_wanted(connection, config)
    connection.execute(
        """
        CREATE TABLE homes AS
        WITH counted AS (
            SELECT object_id, draw, count(*) AS pairs FROM pairs JOIN drawn USING (object_id)
            GROUP BY object_id, draw
        ), summed AS (
            SELECT object_id, sum(pairs) OVER (ORDER BY draw, object_id) AS upto FROM counted
        )
        SELECT row, CASE WHEN upto <= $test THEN 'test'
            WHEN upto <= $test + $val THEN 'val' ELSE 'train' END AS split,
            NULL::VARCHAR AS reason
        FROM pairs JOIN summed USING (object_id)
        """,
        wanted,
    )


_LATER = {"test": "('val', 'train')", "val": "('train')"}
"""The splits from which similar pairs are excluded. Test has priority, then validation."""


def _exclude_sharing(
    connection: duckdb.DuckDBPyConnection, held_out: str, column: str, why: str
) -> None:
    """Exclude pairs of later splits whose ``column`` equals that of a held-out pair."""
    connection.execute(
        f"""
        UPDATE homes SET split = NULL, reason = $why
        WHERE split IN {_LATER[held_out]} AND row IN (
            SELECT row FROM pairs WHERE {column} IN (
                SELECT {column} FROM pairs JOIN homes USING (row) WHERE split = $held_out))
        """,
        {"why": why, "held_out": held_out},
    )


def _exclude_near(connection: duckdb.DuckDBPyConnection, held_out: str, bits: int) -> None:
    """Exclude pairs of later splits whose image is nearly the same as a held-out image."""
    if connection.execute("SELECT count(image_hash) FROM pairs").fetchall() == [(0,)]:
        return
    band = f"(image_hash >> (16 * band)) & 65535 AS bits, image_hash, band FROM pairs JOIN homes \
USING (row), range({_BANDS}) AS bands(band) WHERE image_hash IS NOT NULL AND split"
    connection.execute(
        f"""
        UPDATE homes SET split = NULL, reason = $why WHERE row IN (
            WITH aside AS (SELECT DISTINCT {band} = $held_out),
                later AS (SELECT row, {band} IN {_LATER[held_out]})
            SELECT later.row FROM later JOIN aside USING (band, bits)
            WHERE bit_count(xor(later.image_hash, aside.image_hash)) <= $bits)
        """,
        {"why": NEAR_IMAGE, "held_out": held_out, "bits": bits},
    )
