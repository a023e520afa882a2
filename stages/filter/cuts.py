"""The cut: exactly so many of the best pairs, by a sort that never leaves a tie to chance.

Order: what a quota protects first, then the higher score, then the path, then the file's row.
A threshold (`>=`) would keep more or fewer where scores are equal, and captions repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from skyscript import chance
from skyscript.files import phrases
from stages.filter import sql as asking
from stages.filter.config import FilterConfig

if TYPE_CHECKING:
    import duckdb

TAGS = f"string_split(regexp_replace(title, '{phrases.PREFIX}', '', 'i'), ', ')"
"""The tags that a title names: what stands between its commas, after the prefix."""


def rank(connection: duckdb.DuckDBPyConnection, config: FilterConfig) -> None:
    """Make ``ranked``: every training pair with a score, its place in the plain order and in ours.

    ``place`` is null for a pair over the cap; ``tier`` is its best place among the pairs of one of
    its tags, as far as the quota goes: so each tag gets its best pair, then its second ...
    """
    best = "ORDER BY score DESC, filepath, row"
    connection.execute(
        f"""
        CREATE TABLE candidates AS
        SELECT row, filepath, title, source, score, row_number() OVER ({best}) AS plain,
            row_number() OVER (PARTITION BY title {best}) AS of_caption
        FROM pairs JOIN homes USING (row) WHERE split = 'train' AND score IS NOT NULL
        """
    )
    quota = config.min_per_tag
    connection.execute(
        f"""
        CREATE TABLE tiers AS
        SELECT row, min(of_tag) AS tier FROM (
            SELECT row, row_number() OVER (PARTITION BY tag {best}) AS of_tag
            FROM (SELECT row, filepath, score, unnest({TAGS}) AS tag FROM candidates
                WHERE {quota} > 0 AND of_caption <= {config.max_per_caption or "of_caption"})
            QUALIFY of_tag <= {quota}
        ) GROUP BY row
        """
    )
    group = "PARTITION BY source" if config.within == "source" else ""
    connection.execute(
        f"""
        CREATE TABLE ranked AS
        SELECT row, source, plain,
            row_number() OVER ({group} ORDER BY coalesce(tier, {quota} + 1), score DESC, filepath,
                row) AS place
        FROM candidates LEFT JOIN tiers USING (row)
        WHERE of_caption <= {config.max_per_caption or "of_caption"}
        """
    )


def cut(connection: duckdb.DuckDBPyConnection, percent: int, config: FilterConfig) -> int:
    """Make ``kept`` (row) of the best ``percent``; give how many rows that should be."""
    counts = dict(
        asking.rows(connection, "SELECT source, count(*) FROM candidates GROUP BY source")
    )
    wanted = sum(counts.values()) * percent // 100
    shares = {"": wanted}
    if config.within == "source":
        shares = _apportion(counts, percent, wanted)
    sources, rows = pa.array(list(shares), pa.string()), pa.array(shares.values(), pa.int64())
    connection.register("kept_of", pa.table({"source": sources, "rows": rows}))
    same = "USING (source)" if config.within == "source" else "ON true"
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE kept AS
        SELECT row FROM ranked JOIN kept_of {same} WHERE place <= kept_of.rows
        """
    )
    return wanted


def _apportion(counts: dict[str, int], percent: int, wanted: int) -> dict[str, int]:
    """Share ``wanted`` rows out by the largest remainder, so that the sum is exact."""
    shares = {source: count * percent // 100 for source, count in counts.items()}
    by_remainder = sorted(counts, key=lambda source: (-(counts[source] * percent % 100), source))
    for source in by_remainder[: wanted - sum(shares.values())]:
        shares[source] += 1
    return shares


def hold_out(
    connection: duckdb.DuckDBPyConnection, side: str, rows: int, config: FilterConfig
) -> None:
    """Make ``kept`` (row) of what is set aside: the best percent, and of these ``rows`` drawn."""
    best = asking.rows(
        connection,
        f"""
        SELECT row, filepath FROM pairs JOIN homes USING (row)
        WHERE split = '{side}' AND score IS NOT NULL
        QUALIFY row_number() OVER (ORDER BY score DESC, filepath, row)
            <= count(*) OVER () * {config.held_out_top} // 100
        """,
    )
    best.sort(key=lambda found: (chance.uniform(config.seed, found[1], side), found))
    kept = pa.array([row for row, _ in best[:rows]], pa.int64())
    connection.register("kept_rows", pa.table({"row": kept}))
    connection.execute("CREATE OR REPLACE TABLE kept AS SELECT row FROM kept_rows")
