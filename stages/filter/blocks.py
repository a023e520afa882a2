"""Draws whole blocks of the Earth for test and validation, and gives each pair its split.

A pair belongs to the block of its image's centre. A pair that touches blocks of two splits is in
none, so that no pixel of the Earth is in two splits. Blocks go round the Earth: an image across the
180th meridian touches the last and the first column.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyscript import chance
from stages.filter.input_table import WIDTH

if TYPE_CHECKING:
    import duckdb

HELD_OUT = ("test", "val")
ACROSS = "reaches over the edge of a block set aside"
_PIECE = 1 << 16


class Target(NamedTuple):
    """How many pairs the held-out splits need."""

    pairs: Mapping[str, int]
    most: int
    """The largest number of pairs in the blocks of one split."""


class _Block(NamedTuple):
    x: int
    y: int
    pairs: int
    whole: int
    """Pairs with a score that lie wholly in the block."""


def split_by_block(
    connection: duckdb.DuckDBPyConnection, side: float, target: Target, seed: int
) -> None:
    """Create ``homes`` (as `split_pairs` says) by drawing held-out blocks of ``side`` degrees."""
    _find_blocks(connection, side)
    _draw_blocks(connection, target, seed)
    connection.execute(
        """
        CREATE OR REPLACE TABLE homes AS
        WITH columns_touched AS (
            SELECT row, x, y, y0, y1, len(columns) * (y1 - y0 + 1) AS all_blocks,
                unnest(columns)::INT AS block_x
            FROM crossing
        ), blocks_touched AS (
            SELECT *, unnest(range(y0, y1 + 1))::INT AS block_y FROM columns_touched
        ), touched AS (
            SELECT row, max(side) FILTER (WHERE block_x = x AND block_y = y) AS home,
                count(*) AS held_out_blocks, count(DISTINCT side) AS sides,
                any_value(all_blocks) AS all_blocks
            FROM blocks_touched JOIN held_out USING (block_x, block_y) GROUP BY row
        )
        SELECT row, side AS split, NULL::VARCHAR AS reason
        FROM places JOIN held_out ON x = block_x AND y = block_y WHERE whole
        UNION ALL SELECT row,
            CASE WHEN sides = 1 AND held_out_blocks = all_blocks THEN home END AS split,
            CASE WHEN split IS NULL THEN $across END AS reason
        FROM touched
        """,
        {"across": ACROSS},
    )


def _find_blocks(connection: duckdb.DuckDBPyConnection, side: float) -> None:
    """Create ``places``, the block of each pair's centre, and ``crossing``, the blocks of others.

    Most pairs lie wholly in one block (``whole``). Those that do not are in ``crossing``: their
    blocks are those of the list ``columns`` and of the rows ``y0`` to ``y1``. Longitudes are
    brought into -180 to 180 degrees. If an image goes on beyond 180 degrees, its ``columns`` go on
    at -180 degrees.
    """
    of_pairs = f"""
        WITH begun AS (
            SELECT row, score IS NOT NULL AS scored, south, north, east, {WIDTH} AS width,
                west - 360 * floor((west + 180) / 360) AS begin, begin = west AS as_given FROM pairs
        ), ended AS (
            SELECT *, CASE WHEN as_given AND east >= begin THEN east ELSE begin + width END AS stop,
                (begin + stop) / 2 AS middle FROM begun
        ), placed AS (
            SELECT row, scored, stop,
                floor((CASE WHEN middle >= 180 THEN middle - 360 ELSE middle END) / $side)::INT
                    AS x,
                floor((south + north) / 2 / $side)::INT AS y,
                floor(begin / $side)::INT AS x0, floor(stop / $side)::INT AS x1,
                floor(south / $side)::INT AS y0, floor(north / $side)::INT AS y1,
                stop < 180 AND x0 = x1 AND y0 = y1 AS whole
            FROM ended
        )
    """
    connection.execute(
        f"CREATE OR REPLACE TABLE places AS {of_pairs} SELECT row, x, y, scored, whole FROM placed",
        {"side": side},
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE crossing AS {of_pairs}
        SELECT row, x, y, y0, y1, CASE WHEN stop >= 180 THEN list_concat(
                range(x0, $last + 1), range($first, floor((stop - 360) / $side)::INT + 1))
            ELSE range(x0, x1 + 1) END AS columns
        FROM placed WHERE NOT whole
        """,
        {"side": side, "first": math.floor(-180 / side), "last": math.ceil(180 / side) - 1},
    )


def _draw_blocks(connection: duckdb.DuckDBPyConnection, target: Target, seed: int) -> None:
    """Create ``held_out`` (block_x, block_y, side): blocks until each split has enough pairs.

    Only pairs that lie wholly in a block count. A block with more of them than a split still needs
    remains in training, until a split can only be completed by one: then the smallest is taken.
    """
    needed, room = dict(target.pairs), dict.fromkeys(HELD_OUT, target.most)
    chosen: dict[_Block, str] = {}

    def fits(block: _Block, side: str) -> bool:
        return needed[side] > 0 and block.pairs <= room[side]

    def take(block: _Block, side: str) -> None:
        needed[side] -= block.whole
        room[side] -= block.pairs
        chosen[block] = side

    blocks = _shuffle_blocks(connection, seed)
    for block in _each(blocks):
        sides = (s for s in HELD_OUT if fits(block, s) and block.whole <= needed[s])
        if side := next(sides, None):
            take(block, side)
        elif not any(count > 0 for count in needed.values()):
            break
    for side in HELD_OUT:
        if needed[side] > 0:
            left = (block for block in _each(blocks) if block not in chosen and fits(block, side))
            if smallest := min(left, key=lambda block: block.whole, default=None):
                take(smallest, side)
    columns = {
        "block_x": pa.array([block.x for block in chosen], pa.int32()),
        "block_y": pa.array([block.y for block in chosen], pa.int32()),
        "side": pa.array(chosen.values(), pa.string()),
    }
    connection.register("held_out", pa.table(columns))


def _shuffle_blocks(connection: duckdb.DuckDBPyConnection, seed: int) -> np.ndarray:
    """Give the blocks with whole pairs in the order of their draw; the columns are `_Block`'s."""
    blocks = _count_blocks(connection)
    x, y = (pa.array(blocks[:, column]).cast(pa.string()) for column in (0, 1))
    keys = pc.binary_join_element_wise(x, y, "/")
    pieces = (keys.slice(begin, _PIECE) for begin in range(0, len(keys), _PIECE))
    draws = chance.uniforms(
        seed, (key for piece in pieces for key in piece.to_pylist()), "set aside"
    )
    order = np.argsort(draws)
    if (np.diff(draws[order]) == 0).any():  # next to never, and slower
        order = np.lexsort((blocks[:, 1], blocks[:, 0], draws))
    return blocks[order]


def _count_blocks(connection: duckdb.DuckDBPyConnection) -> np.ndarray:
    """Count the pairs of each block with whole pairs, by one sort of a number for each pair."""
    found = connection.execute("SELECT x, y, scored AND whole AS whole FROM places").fetchnumpy()
    y = np.asarray(found["y"], np.int64)
    low = y.min(initial=0)
    height = y.max(initial=0) - low + 1
    pairs = (np.asarray(found["x"], np.int64) * height + (y - low)) * 2 + found["whole"]
    pairs.sort()
    begins = np.flatnonzero(np.diff(pairs >> 1, prepend=np.iinfo(np.int64).min))
    count = np.diff(begins, append=len(pairs))
    whole = np.add.reduceat(pairs & 1, begins) if len(begins) else count
    x, y = np.divmod(pairs[begins] >> 1, height)
    return np.column_stack([x, y + low, count, whole])[whole > 0]


def _each(blocks: np.ndarray) -> Iterator[_Block]:
    """Give blocks one by one; millions of them at once would need gigabytes."""
    for begin in range(0, len(blocks), _PIECE):
        yield from itertools.starmap(_Block, blocks[begin : begin + _PIECE].tolist())
