"""What each file kept, in figures: the report of a filter run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stages.filter import sql as asking
from stages.filter.cuts import TAGS

if TYPE_CHECKING:
    import duckdb


class Kept(NamedTuple):
    """What a file holds."""

    file: str
    rows: int
    tags: int
    """Distinct ones that titles name."""
    captions: int
    """Distinct titles."""
    by_source: dict[str, int]
    like_plain: float | None
    """Share of the rows that the plain cut of as many rows keeps too; none for what is set
    aside."""


def kept(connection: duckdb.DuckDBPyConnection, file: str, plain: bool) -> Kept:
    """Count what ``kept`` holds; ``plain`` compares it with the plain cut too."""
    rows, captions = asking.row(
        connection,
        "SELECT count(*), count(DISTINCT title) FROM pairs JOIN kept USING (row)",
    )
    (tags,) = asking.row(
        connection,
        f"""SELECT count(DISTINCT tag) FROM (SELECT unnest({TAGS}) AS tag
            FROM (SELECT DISTINCT title FROM pairs JOIN kept USING (row)))""",
    )
    sources = asking.rows(
        connection,
        "SELECT source, count(*) FROM pairs JOIN kept USING (row) GROUP BY source ORDER BY source",
    )
    like_plain = None
    if plain and rows:
        (shared,) = asking.row(
            connection,
            f"SELECT count(*) FROM candidates JOIN kept USING (row) WHERE plain <= {rows}",
        )
        like_plain = shared / rows
    return Kept(file, rows, tags, captions, dict(sources), like_plain)


def sides(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Count the pairs by what became of them before the cut."""
    return dict(
        asking.rows(
            connection,
            """SELECT CASE WHEN split IS NULL THEN reason WHEN score IS NULL
                    THEN split || ', without a score' ELSE split END AS side, count(*)
            FROM pairs JOIN homes USING (row) GROUP BY side ORDER BY side""",
        )
    )
