"""What scoring and the filter made of a run: figures, and the pairs at both ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import duckdb

ENDS = 6
"""Pairs shown of the best and of the worst, each of another title."""
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
    """A run's scores and what the filter kept."""

    scorer: str
    pairs: int
    histogram: list[tuple[str, int]]
    best: dict[str, float]
    """Score by object; likewise the worst, the lowest first."""
    worst: dict[str, float]
    sides: dict[str, int]
    files: list[dict[str, Any]]
    """As in ``filter_report.json``; likewise ``phrases``, none where none were to be dropped."""
    phrases: dict[str, Any] | None

    @property
    def sources(self) -> list[str]:
        """The sources of the pairs in the files."""
        return sorted({source for file in self.files for source in file["by_source"]})


def ask_scored(connection: duckdb.DuckDBPyConnection, root: Path) -> Scored:
    """Give the figures of the table ``scores`` and of the filter's report."""
    low, high, count = connection.execute(_SPREAD).fetchall()[0]
    step = max(high - low, 1e-6) / _BINS
    found = connection.execute(_HISTOGRAM, {"low": low, "step": step, "bins": _BINS}).fetchall()
    (scorer,) = connection.execute("SELECT any_value(scorer) FROM scores").fetchall()[0]
    report = json.loads((root / _FILTER_REPORT).read_text("utf-8"))

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
