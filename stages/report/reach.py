"""How the sample reaches each tag: by which draw, or why it does not."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

MOST_UNREACHED = 40
TOO_COARSE = "no source is sharp enough for this tag"
NOT_DRAWN = "not drawn, or over a limit of `sample`"

_REACH = """
    CREATE TABLE reach AS
    WITH offered AS (
        SELECT tag, count(*) AS eligible,
            count(*) FILTER (chosen_by = 'all') AS by_all,
            count(*) FILTER (chosen_by = 'cell') AS by_cell,
            count(*) FILTER (chosen_by = 'rare') AS by_rare,
            count(*) FILTER (chosen_by = 'balanced') AS by_balanced
        FROM (
            SELECT f.chosen_by, unnest(e.tags) AS tag
            FROM eligible e LEFT JOIN focus f USING (object_id) WHERE e.status = 'ok'
        ) GROUP BY tag
    ),
    lost AS (
        SELECT tag, why, count(*) AS objects
        FROM (SELECT unnest(unseen) AS tag, coalesce(reason, $too_coarse) AS why FROM eligible)
        GROUP BY ALL
    ),
    reasons AS (
        SELECT tag, sum(objects)::BIGINT AS objects, first(why ORDER BY objects DESC, why) AS why,
            string_agg(objects || ' ' || why, '; ' ORDER BY objects DESC, why) AS others
        FROM lost GROUP BY tag
    )
    SELECT tag, coalesce(eligible, 0) + coalesce(r.objects, 0) AS objects,
        coalesce(eligible, 0) AS eligible, coalesce(by_all, 0) AS by_all,
        coalesce(by_cell, 0) AS by_cell, coalesce(by_rare, 0) AS by_rare,
        coalesce(by_balanced, 0) AS by_balanced,
        CASE WHEN by_all + by_cell + by_rare + by_balanced > 0 THEN ''
            WHEN eligible > 0 THEN $not_drawn ELSE r.why END AS why_not,
        coalesce(r.others, '') AS others
    FROM offered FULL JOIN reasons r USING (tag)
"""
_IN_ORDER = "SELECT * FROM reach ORDER BY objects DESC, tag"
_UNREACHED = f"""
    SELECT tag, objects, why_not FROM reach WHERE why_not != ''
    ORDER BY objects DESC, tag LIMIT {MOST_UNREACHED}
"""
_COUNTS = """
    SELECT CASE WHEN why_not != '' THEN why_not WHEN by_all > 0 THEN 'all'
        WHEN by_cell > 0 THEN 'cell' WHEN by_rare > 0 THEN 'rare' ELSE 'balanced' END AS way,
        why_not = '' AS is_reached, count(*)
    FROM reach GROUP BY ALL ORDER BY is_reached DESC, count(*) DESC, way
"""


class Reach(NamedTuple):
    """How many tags the sample reaches, and which it does not."""

    reached: tuple[tuple[str, int], ...]
    """The first draw that reaches a tag (all, cell, rare, balanced), and the number of tags."""
    unreached: tuple[tuple[str, int], ...]
    """The main reason, and the number of tags; the most frequent reason comes first."""
    examples: tuple[tuple[str, int, str], ...]
    """Tag, its number of objects, and the reason; the most frequent tags come first."""

    @property
    def tags(self) -> int:
        """The number of all tags that can be seen from above."""
        return sum(number for _, number in self.reached + self.unreached)


def compute_reach(connection: duckdb.DuckDBPyConnection) -> Reach:
    """Compute the figures from the tables ``eligible`` and ``focus``; makes the table ``reach``."""
    connection.execute(_REACH, {"too_coarse": TOO_COARSE, "not_drawn": NOT_DRAWN})
    counts = connection.execute(_COUNTS).fetchall()
    return Reach(
        reached=tuple((way, number) for way, is_reached, number in counts if is_reached),
        unreached=tuple((way, number) for way, is_reached, number in counts if not is_reached),
        examples=tuple(connection.execute(_UNREACHED).fetchall()),
    )


def reach_csv(connection: duckdb.DuckDBPyConnection) -> tuple[bytes, int]:
    """Give the table ``reach`` as CSV, a row for each tag, and the number of its rows."""
    from pyarrow import csv

    table: pa.Table = connection.sql(_IN_ORDER).to_arrow_table()
    target = io.BytesIO()
    csv.write_csv(table, target)
    return target.getvalue(), len(table)
