"""Figures of each output file, for the report of a filter run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stages.filter.cuts import TAGS

if TYPE_CHECKING:
    import duckdb


class FileSummary(NamedTuple):
    """The figures of an output file."""

    file: str
    rows: int
    tags: int
    """Number of distinct tags in the titles."""
    captions: int
    """Number of distinct titles."""
    by_source: dict[str, int]
    like_plain: float | None
    """Share of the rows that are also among the best by score alone; None for held-out files."""


def summarise(connection: duckdb.DuckDBPyConnection, file: str, *, compare: bool) -> FileSummary:
    """Count the rows of ``selected``, and with ``compare`` those that score alone selects too."""
    [(rows, captions)] = connection.execute(
        "SELECT count(*), count(DISTINCT title) FROM pairs JOIN selected USING (row)"
    ).fetchall()
    [(tags,)] = connection.execute(f"""SELECT count(DISTINCT tag) FROM (SELECT unnest({TAGS}) AS tag
            FROM (SELECT DISTINCT title FROM pairs JOIN selected USING (row)))""").fetchall()
    sources = connection.execute(
        "SELECT source, count(*) FROM pairs JOIN selected USING (row) GROUP BY ALL ORDER BY source"
    ).fetchall()
    like_plain = None
    if compare and rows:
        [(shared,)] = connection.execute(
            f"SELECT count(*) FROM candidates JOIN selected USING (row) WHERE plain <= {rows}"
        ).fetchall()
        like_plain = shared / rows
    return FileSummary(file, rows, tags, captions, dict(sources), like_plain)


def count_sides(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Count the pairs of each split, and the pairs without one by their reason."""
    rows = connection.execute(
        """
        SELECT CASE WHEN split IS NULL THEN reason
                WHEN title IS NULL THEN split || ', without a caption'
                WHEN score IS NULL THEN split || ', without a score'
                ELSE split END AS side, count(*)
        FROM pairs JOIN homes USING (row) GROUP BY side ORDER BY side
        """
    ).fetchall()
    return dict(rows)
