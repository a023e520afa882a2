"""Splits the pairs into test, validation and training, before the selection by score.

The table ``homes`` has the pairs that training does not see. Their ``split`` is test or val. It is
null for a pair in no split, and then ``reason`` says why: its image crosses the edge of a held-out
block, or its object or image is held out. All other pairs are for training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.errors import InputError
from skyscript import chance
from skyscript.clip.vectors.copies import are_near
from stages.filter.blocks import HELD_OUT, Target, split_by_block
from stages.filter.config import FilterConfig
from stages.filter.input_table import BOX, WIDTH, InputTable

if TYPE_CHECKING:
    import duckdb

SAME_OBJECT = "its object is set aside"
SAME_IMAGE = "its image is set aside"
NEAR_IMAGE = "nearly the same image is set aside"
_TALLEST = 5
"""Degrees of latitude; the largest images have a third of one."""
_HALVINGS = 6
_ENOUGH = 0.5
"""Share of the wanted held-out pairs below which blocks are halved."""
_ROUNDS = 4
"""Number of times that held-out pairs are drawn, with more each time if they do not suffice."""
_BATCH = 1 << 16


class Split(NamedTuple):
    """How the pairs were split."""

    block: float | None
    """The side of the blocks in degrees; None for a split by object."""
    short: Mapping[str, int]
    """The number of pairs that each held-out split lacks."""


def split_pairs(
    connection: duckdb.DuckDBPyConnection, config: FilterConfig, input_rows: InputTable
) -> Split:
    """Create ``homes`` (row, split, reason) from ``pairs``.

    In a small region, blocks are halved until half of the held-out pairs are found.
    """
    target = _count_wanted(connection, config)
    if config.split == "random":
        return Split(None, _split_until_enough(connection, config, None, target))
    _check_boxes(connection, input_rows)
    found: list[tuple[float, float]] = []
    for halving in range(_HALVINGS):
        block = config.block / 2**halving
        short = _split_until_enough(connection, config, block, target)
        share = min(1 - lacks / (target.pairs[side] or 1) for side, lacks in short.items())
        found.append((share, block))
        if share >= _ENOUGH:
            return Split(block, short)
    _, best = max(found)
    return Split(best, _split_until_enough(connection, config, best, target))


def _split_until_enough(
    connection: duckdb.DuckDBPyConnection, config: FilterConfig, block: float | None, target: Target
) -> dict[str, int]:
    """Create ``homes``; draw more pairs while splits are short. Returns what each still lacks."""
    drawn = target
    for _ in range(_ROUNDS):
        if block is None:
            _split_by_object(connection, config, drawn)
        else:
            split_by_block(connection, block, drawn, config.seed)
        for held_out in HELD_OUT:
            _exclude_sharing(connection, held_out, "object_id", SAME_OBJECT)
            _exclude_sharing(connection, held_out, "content_hash", SAME_IMAGE)
            _exclude_near(connection, held_out, config.near)
        short = _count_short(connection, target)
        more = {
            side: min(target.most, count + short[side] + short[side] // 4)
            for side, count in drawn.pairs.items()
        }
        if more == drawn.pairs:
            break
        drawn = Target(more, target.most)
    return short


def _count_short(connection: duckdb.DuckDBPyConnection, target: Target) -> dict[str, int]:
    """Return how many pairs with a score each held-out split lacks."""
    found = dict(
        connection.execute(
            "SELECT split, count(score) FROM homes JOIN pairs USING (row) GROUP BY split"
        ).fetchall()
    )
    return {side: max(0, count - found.get(side, 0)) for side, count in target.pairs.items()}


def _count_wanted(connection: duckdb.DuckDBPyConnection, config: FilterConfig) -> Target:
    """Return how many pairs each held-out split needs, so that its best percentage suffices."""
    [(count,)] = connection.execute("SELECT count(*) FROM pairs").fetchall()
    most = int(count * config.max_held_out)
    rows = {"test": config.test_rows, "val": config.val_rows}
    wanted = {side: min(most, -(-n * 100 // config.held_out_top)) for side, n in rows.items()}
    return Target(wanted, most)


def _check_boxes(connection: duckdb.DuckDBPyConnection, input_rows: InputTable) -> None:
    """Raise `InputError` if a box is missing, is not finite, or is larger than any image's."""
    [(missing,)] = connection.execute(
        f"SELECT count(*) FROM pairs WHERE {' OR '.join(f'{name} IS NULL' for name in BOX)}"
    ).fetchall()
    if missing:
        raise InputError(
            f"{input_rows.name}: {missing:,} pairs have no position, which a leakage-safe split "
            "needs: give their meta files with --meta, or use --set split=random."
        )
    wrong = connection.execute(
        f"""
        SELECT row, {", ".join(BOX)} FROM pairs
        WHERE NOT (isfinite(west) AND isfinite(east) AND abs(west) <= 540 AND abs(east) <= 540
            AND {WIDTH} BETWEEN 0 AND 90 AND south >= -90 AND north <= 90
            AND north - south BETWEEN 0 AND {_TALLEST})
        ORDER BY row LIMIT 1
        """
    ).fetchall()
    if wrong:
        row, *box = wrong[0]
        sides = ", ".join(f"{name} {value:g}" for name, value in zip(BOX, box, strict=True))
        raise InputError(
            f"{input_rows.place_of(row)}: {sides} is not the box of an image in degrees of "
            "longitude and latitude; correct it, or use --set split=random."
        )


def _split_by_object(
    connection: duckdb.DuckDBPyConnection, config: FilterConfig, target: Target
) -> None:
    """Create ``homes`` by drawing objects until each split has enough pairs."""
    connection.execute("CREATE OR REPLACE TABLE drawn (object_id VARCHAR, draw DOUBLE)")
    reader = connection.cursor()
    reader.execute("SELECT DISTINCT object_id FROM pairs")
    while rows := reader.fetchmany(_BATCH):
        names = [name for (name,) in rows]
        draws = chance.uniforms(config.seed, names, "set aside")
        connection.register("more", pa.table({"object_id": names, "draw": draws}))
        connection.execute("INSERT INTO drawn SELECT * FROM more")
    reader.close()
    connection.execute(
        """
        CREATE OR REPLACE TABLE homes AS
        WITH counted AS (
            SELECT object_id, draw, count(*) AS pairs FROM pairs JOIN drawn USING (object_id)
            GROUP BY object_id, draw
        ), summed AS (
            SELECT object_id, sum(pairs) OVER (ORDER BY draw, object_id) AS upto FROM counted
        )
        SELECT row, CASE WHEN upto <= $test THEN 'test' ELSE 'val' END AS split,
            NULL::VARCHAR AS reason
        FROM pairs JOIN summed USING (object_id) WHERE upto <= $test + $val
        """,
        dict(target.pairs),
    )


def _exclude_sharing(
    connection: duckdb.DuckDBPyConnection, held_out: str, column: str, why: str
) -> None:
    """Exclude pairs of later splits whose ``column`` equals that of a held-out pair."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE found AS
        SELECT row FROM pairs WHERE {column} IN (
            SELECT {column} FROM pairs JOIN homes USING (row) WHERE split = $held_out)
        """,
        {"held_out": held_out},
    )
    _exclude_found(connection, held_out, why)


def _exclude_near(connection: duckdb.DuckDBPyConnection, held_out: str, bits: int) -> None:
    """Exclude pairs of later splits whose image is nearly the same as a held-out image."""
    aside = connection.execute(
        "SELECT image_hash FROM pairs JOIN homes USING (row) "
        "WHERE split = $held_out AND image_hash IS NOT NULL",
        {"held_out": held_out},
    ).fetchnumpy()["image_hash"]
    if not len(aside):
        return
    pairs = connection.execute(
        "SELECT row, image_hash FROM pairs WHERE image_hash IS NOT NULL"
    ).fetchnumpy()
    hashes, others = (np.asarray(each, np.uint64) for each in (pairs["image_hash"], aside))
    near = np.asarray(pairs["row"])[are_near(hashes, others, bits)]
    connection.register("near_rows", pa.table({"row": near}))
    connection.execute("CREATE OR REPLACE TEMP TABLE found AS SELECT row FROM near_rows")
    connection.unregister("near_rows")
    _exclude_found(connection, held_out, NEAR_IMAGE)


def _exclude_found(connection: duckdb.DuckDBPyConnection, held_out: str, why: str) -> None:
    """Exclude the pairs of later splits that are ``found``. Test is before validation."""
    if held_out == "test":
        connection.execute(
            "UPDATE homes SET split = NULL, reason = $why "
            "WHERE split = 'val' AND row IN (SELECT row FROM found)",
            {"why": why},
        )
    connection.execute(
        "INSERT INTO homes SELECT row, NULL, $why FROM found ANTI JOIN homes USING (row)",
        {"why": why},
    )
