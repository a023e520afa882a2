"""The choice of objects, in DuckDB: by cell, for a rare tag, for balance, within a limit.

Every order ends with the object's id, so that no choice depends on the order of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from stages.sample.cells import draw_cells
from stages.sample.config import SampleConfig

if TYPE_CHECKING:
    import duckdb

CANDIDATES = pa.schema(
    [
        pa.field("row", pa.int64()),  # of the table of boxes
        pa.field("object_id", pa.string()),
        pa.field("x", pa.int32()),  # the cell
        pa.field("y", pa.int32()),
        pa.field("draw", pa.float64()),
        pa.field("tags", pa.list_(pa.string())),
    ]
)
RESERVED_SHARE = 0.5
"""The share of ``max_objects`` for rare and balanced tags, while there are enough others."""

_MARKED = """
    CREATE VIEW marked AS SELECT c.*, {drawn} AS drawn FROM candidates c {joined}
"""
_IN_CELLS = "LEFT JOIN drawn_cells d ON c.x = d.x AND c.y = d.y"
_COUNTS = """
    CREATE TABLE counts AS
    SELECT tag, count(*) FILTER (drawn) AS reached, count(*) AS carried
    FROM (SELECT drawn, unnest(tags) AS tag FROM marked) GROUP BY tag
"""
_RARE = """
    CREATE TABLE limits_of_rare AS
    SELECT tag, reached AS frequency, least(carried, $cap) AS wanted,
        (wanted + 6 * sqrt(wanted) + 10) / greatest(carried - reached, 1) AS share
    FROM counts WHERE $is_used AND reached < $below
"""
_BALANCED = """
    CREATE TABLE limits_of_balanced AS
    SELECT tag, carried AS frequency, least(carried, $most) AS wanted,
        (wanted + 6 * sqrt(wanted) + 10) / carried AS share
    FROM counts WHERE $most > 0
"""
_PICKED = """
    CREATE OR REPLACE TABLE picked AS
    SELECT row, tag, frequency, rank FROM (
        SELECT row, tag, frequency, wanted,
            row_number() OVER (PARTITION BY tag ORDER BY first DESC, draw, object_id) AS rank
        FROM (
            SELECT row, draw, object_id, drawn AND $drawn_first AS first, unnest(tags) AS tag
            FROM marked
        ) JOIN {limits} USING (tag)
        WHERE first OR draw < share
    ) WHERE rank <= wanted
"""
"""Only objects with a draw below the tag's share are ranked: a few more than are wanted."""
_TOO_FEW = """
    UPDATE {limits} SET share = 2 * share
    WHERE share < 1 AND wanted > (SELECT count(*) FROM picked WHERE picked.tag = {limits}.tag)
"""
_BY_ROW = """
    CREATE TABLE {name} AS
    SELECT row, min(rank) AS rank, min({{'frequency': frequency, 'tag': tag}}).tag AS tag
    FROM picked GROUP BY row
"""
_CHOSEN = """
    CREATE TABLE chosen AS
    SELECT m.row, m.draw, m.object_id, least(rare.rank, balanced.rank) AS rank,
        CASE WHEN m.drawn THEN IF($by_cell, 'cell', 'all')
            WHEN rare.rank IS NOT NULL THEN 'rare' ELSE 'balanced' END AS chosen_by,
        CASE WHEN NOT m.drawn THEN coalesce(rare.tag, balanced.tag)
            WHEN $by_cell THEN m.x || '/' || m.y END AS chosen_for
    FROM marked m LEFT JOIN rare USING (row) LEFT JOIN balanced USING (row)
    WHERE m.drawn OR rare.rank IS NOT NULL OR balanced.rank IS NOT NULL
"""
_SEATS = """
    CREATE TABLE seats AS
    SELECT row FROM chosen WHERE rank IS NOT NULL ORDER BY rank, draw, object_id LIMIT $reserved
"""
_CUT = """
    DELETE FROM chosen WHERE row NOT IN (
        SELECT row FROM seats UNION ALL (
            SELECT row FROM chosen ANTI JOIN seats USING (row)
            ORDER BY rank IS NOT NULL, rank, draw, object_id LIMIT $others
        )
    )
"""


def choose(connection: duckdb.DuckDBPyConnection, config: SampleConfig) -> None:
    """Make the table ``chosen`` (row, chosen_by, chosen_for) from the view ``candidates``.

    The view has the columns of `CANDIDATES`.
    """
    drawn, joined = "c.row IS NOT NULL", ""
    if config.cells is not None:
        connection.register("drawn_cells", draw_cells(connection, config.cells, config))
        drawn, joined = "d.x IS NOT NULL", _IN_CELLS
    elif config.balanced is not None:
        drawn = "c.row IS NULL"
    connection.execute(_MARKED.format(drawn=drawn, joined=joined))
    connection.execute(_COUNTS)
    is_used = config.cells is not None or config.balanced is None
    values = {"is_used": is_used, "below": config.rare_below, "cap": config.rare_cap}
    connection.execute(_RARE, values)
    _take_first(connection, "rare", drawn_first=True)
    connection.execute(_BALANCED, {"most": config.balanced or 0})
    _take_first(connection, "balanced", drawn_first=False)
    connection.execute(_CHOSEN, {"by_cell": config.cells is not None})
    if config.max_objects is not None:
        connection.execute(_SEATS, {"reserved": int(config.max_objects * RESERVED_SHARE)})
        [(seats,)] = connection.sql("SELECT count(*) FROM seats").fetchall()
        connection.execute(_CUT, {"others": config.max_objects - seats})


def _take_first(connection: duckdb.DuckDBPyConnection, name: str, *, drawn_first: bool) -> None:
    """Make the table ``name`` of the objects that tags take: for each tag the lowest draws.

    The first share of a tag is too small about once in a billion tags; it then grows until the tag
    has what it wants. So the result is exact, and memory depends on the wanted numbers alone.
    """
    limits = f"limits_of_{name}"
    while True:
        connection.execute(_PICKED.format(limits=limits), {"drawn_first": drawn_first})
        [(changed,)] = connection.execute(_TOO_FEW.format(limits=limits)).fetchall()
        if not changed:
            break
    connection.execute(_BY_ROW.format(name=name))
