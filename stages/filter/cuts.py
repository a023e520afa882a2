"""Selects an exact number of the best pairs, by a sort without ties.

The order is: pairs that a quota protects, then the higher score, then the path, then the row in the
file. A threshold (`>=`) would select another number if scores are equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from skyscript import chance
from skyscript.files import phrases
from stages.filter.config import FilterConfig

if TYPE_CHECKING:
    import duckdb

TAGS = f"string_split(regexp_replace(title, '{phrases.PREFIX}', '', 'i'), ', ')"
"""SQL for the tags in a title: the texts between its commas, after the prefix."""


def rank(connection: duckdb.DuckDBPyConnection, config: FilterConfig) -> None:
    """Create ``ranked``: training pairs with a score, their rank by score alone and by all options.

    ``plain`` is the rank by score alone, and ``place`` the rank by all options. Pairs beyond
    ``max_per_caption`` are not in the table. ``tier`` is a pair's best rank among the pairs of any
    of its tags, up to the quota: so each tag first gets its best pair, then its second best.
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


def select_best(connection: duckdb.DuckDBPyConnection, percent: int, config: FilterConfig) -> None:
    """Create ``selected`` (row) from the best ``percent`` of the training pairs."""
    counts = dict(
        connection.execute("SELECT source, count(*) FROM candidates GROUP BY source").fetchall()
    )
    shares = {"": sum(counts.values()) * percent // 100}
    if config.within == "source":
        shares = _apportion(counts, percent)
    sources, rows = pa.array(list(shares), pa.string()), pa.array(shares.values(), pa.int64())
    connection.register("quotas", pa.table({"source": sources, "rows": rows}))
    same = "USING (source)" if config.within == "source" else "ON true"
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE selected AS
        SELECT row FROM ranked JOIN quotas {same} WHERE place <= quotas.rows
        """
    )


def _apportion(counts: dict[str, int], percent: int) -> dict[str, int]:
    """Divide ``percent`` of all rows among the sources, by the largest remainders."""
    wanted = sum(counts.values()) * percent // 100
    shares = {source: count * percent // 100 for source, count in counts.items()}
    by_remainder = sorted(counts, key=lambda source: (-(counts[source] * percent % 100), source))
    for source in by_remainder[: wanted - sum(shares.values())]:
        shares[source] += 1
    return shares


def select_held_out(
    connection: duckdb.DuckDBPyConnection, side: str, rows: int, config: FilterConfig
) -> None:
    """Create ``selected`` (row): ``rows`` random pairs of a held-out split's best percentage."""
    best = connection.execute(f"""
        SELECT row, filepath FROM pairs JOIN homes USING (row)
        WHERE split = '{side}' AND score IS NOT NULL
        QUALIFY row_number() OVER (ORDER BY score DESC, filepath, row)
            <= count(*) OVER () * {config.held_out_top} // 100
        """).fetchall()
    best.sort(key=lambda found: (chance.uniform(config.seed, found[1], side), found))
    drawn = pa.array([row for row, _ in best[:rows]], pa.int64())
    connection.register("drawn_rows", pa.table({"row": drawn}))
    connection.execute("CREATE OR REPLACE TABLE selected AS SELECT row FROM drawn_rows")
