"""Figures of scoring and filtering, and the pairs with the highest and the lowest scores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.storage import Place

if TYPE_CHECKING:
    import duckdb

ENDS = 6
"""Number of best pairs, and of worst pairs, on the page. Their titles are all different."""
_BINS = 16
_FILTER_REPORT = "filter_report.json"

_SPREAD = "SELECT min(similarity), max(similarity), count(similarity) FROM scores"
_HISTOGRAM = """
    SELECT least(floor((similarity - $low) / $step), $bins - 1)::INT AS bin, count(*)
    FROM scores WHERE similarity IS NOT NULL GROUP BY bin ORDER BY bin
"""
_END = """
    SELECT object_id, similarity FROM (
        SELECT object_id, similarity, row_number() OVER (
            PARTITION BY title ORDER BY similarity {order}, object_id) AS of_title
        FROM scores JOIN captions USING (object_id) WHERE similarity IS NOT NULL)
    WHERE of_title = 1 ORDER BY similarity {order}, object_id LIMIT $count
"""


class Scored(NamedTuple):
    """The figures of a run's scores, and those of its filter."""

    scorer: str
    pairs: int
    histogram: list[tuple[str, int]]
    best: dict[str, float]
    """Score by object, the highest first."""
    worst: dict[str, float]
    """Score by object, the lowest first."""
    sides: dict[str, int]
    files: list[dict[str, Any]]
    """From ``filter_report.json``."""
    phrases: dict[str, Any] | None
    """From ``filter_report.json``; None if the filter drops no phrases."""

    @property
    def sources(self) -> list[str]:
        """The sources of the pairs in the files."""
        return sorted({source for file in self.files for source in file["by_source"]})


def compute_scored(connection: duckdb.DuckDBPyConnection, root: Place) -> Scored:
    """Compute the figures of the table ``scores``, and read the report of the filter."""
    low, high, count = connection.execute(_SPREAD).fetchall()[0]
    step = max(high - low, 1e-6) / _BINS
    found = connection.execute(_HISTOGRAM, {"low": low, "step": step, "bins": _BINS}).fetchall()
    (scorer,) = connection.execute("SELECT any_value(scorer) FROM scores").fetchall()[0]
    report = json.loads((root / _FILTER_REPORT).read_bytes())

    def end(order: str) -> dict[str, float]:
        rows = connection.execute(_END.format(order=order), {"count": ENDS}).fetchall()
        return dict(rows)

    return Scored(
        scorer=scorer,
        pairs=count,
        histogram=[(f"{low + number * step:.3f}", pairs) for number, pairs in found],
        best=end("DESC"),
        worst=end("ASC"),
        sides=report["pairs"],
        files=report["files"],
        phrases=report["phrases"],
    )
