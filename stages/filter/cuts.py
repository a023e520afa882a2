"""Selects an exact number of the best pairs, by an order without ties.

The order is: pairs that a quota protects, then the order of the cut (`order`), then the higher
score, then the path, then the row in the file. A threshold (`>=`) alone would select another number
if scores are equal. For the plain cut, only the pairs at the threshold are sorted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.storage import Place
from skyscript import chance
from skyscript.files.phrases import TAGS
from stages.filter.config import FilterConfig
from stages.filter.order import order_pairs
from stages.filter.rows import Mask, find_mask, mask_of

if TYPE_CHECKING:
    import duckdb


def rank(
    connection: duckdb.DuckDBPyConnection, config: FilterConfig, vectors: Place | None
) -> None:
    """Create ``candidates``, the training pairs with a score, and ``ranked``, if options rank them.

    ``plain`` is the rank by score alone, and ``place`` the rank by all options; the plain cut needs
    neither. Pairs beyond a cap are not in ``ranked``. ``tier`` is a pair's best rank among the
    pairs of any of its tags, up to the quota: so each tag first gets its best pair, then its second
    best. ``vectors`` is the folder of the images' vectors, for ``alike``.
    """
    others = ", source, row_number() OVER (ORDER BY score DESC, filepath, row) AS plain"
    connection.execute(
        f"""
        CREATE TABLE candidates AS
        SELECT row, score{"" if is_plain(config) else others}
        FROM pairs ANTI JOIN homes USING (row)
            {"" if is_plain(config) else "JOIN input_rows ON input_rows.rowid = row"}
        WHERE score IS NOT NULL
        """
    )
    if is_plain(config):
        return
    order_pairs(connection, config, vectors)
    quota = config.min_per_tag
    best = "ORDER BY worth DESC, plain"
    connection.execute(
        f"""
        CREATE TABLE tiers AS
        SELECT row, min(of_tag) AS tier FROM (
            SELECT row, row_number() OVER (PARTITION BY tag {best}) AS of_tag
            FROM (SELECT row, plain, worth, unnest({TAGS}) AS tag FROM ordered WHERE {quota} > 0)
            QUALIFY of_tag <= {quota}
        ) GROUP BY row
        """
    )
    group = "PARTITION BY source" if config.within == "source" else ""
    connection.execute(
        f"""
        CREATE TABLE ranked AS
        SELECT row, source, plain, row_number() OVER (
            {group} ORDER BY coalesce(tier, {quota} + 1), worth DESC, plain) AS place
        FROM ordered LEFT JOIN tiers USING (row)
        """
    )


def is_plain(config: FilterConfig) -> bool:
    """Tell whether the order is that of the score alone, so that few pairs need to be sorted."""
    caps = (config.max_per_caption, config.max_per_image)
    top_only = config.cut == "top" and config.within == "all"
    return top_only and not config.min_per_tag and caps == (None, None)


def select_best(connection: duckdb.DuckDBPyConnection, percent: int, config: FilterConfig) -> Mask:
    """Select the best ``percent`` of the training pairs."""
    if is_plain(config):
        return _select_by_score(connection, percent)
    counts = dict(
        connection.execute("SELECT source, count(*) FROM candidates GROUP BY source").fetchall()
    )
    shares = {"": sum(counts.values()) * percent // 100}
    if config.within == "source":
        shares = _apportion(counts, percent)
    sources, rows = pa.array(list(shares), pa.string()), pa.array(shares.values(), pa.int64())
    connection.register("quotas", pa.table({"source": sources, "rows": rows}))
    same = "USING (source)" if config.within == "source" else "ON true"
    return find_mask(
        connection, f"SELECT row FROM ranked JOIN quotas {same} WHERE place <= quotas.rows"
    )


def _select_by_score(connection: duckdb.DuckDBPyConnection, percent: int) -> Mask:
    """Select by the score alone, with 16 bytes of memory a pair."""
    found = connection.execute("SELECT row, score FROM candidates").fetchnumpy()
    rows, scores = found["row"], found["score"]
    wanted = len(scores) * percent // 100
    least = float(np.partition(scores, -wanted)[-wanted]) if wanted else np.inf
    better = rows[scores > least]
    at_threshold = connection.execute(
        """
        SELECT row FROM candidates JOIN input_rows ON input_rows.rowid = row
        WHERE score = $least ORDER BY filepath, row LIMIT $left
        """,
        {"least": least, "left": wanted - len(better)},
    ).fetchnumpy()["row"]
    return mask_of(connection, np.concatenate([better, at_threshold]))


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
) -> Mask:
    """Select ``rows`` random pairs of a held-out split's best percentage."""
    best = connection.execute(f"""
        SELECT row, filepath
        FROM pairs JOIN homes USING (row) JOIN input_rows ON input_rows.rowid = row
        WHERE split = '{side}' AND score IS NOT NULL
        QUALIFY row_number() OVER (ORDER BY score DESC, filepath, row)
            <= count(*) OVER () * {config.held_out_top} // 100
        """).fetchall()
    best.sort(key=lambda found: (chance.uniform(config.seed, found[1], side), found))
    return mask_of(connection, np.array([row for row, _ in best[:rows]], np.int64))
