"""Figures of scoring and filtering."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.storage import Place

if TYPE_CHECKING:
    import duckdb

_FILTER_REPORT = "filter_report.json"


class Scored(NamedTuple):
    """The figures of a run's scores, and those of its filter."""

    scorer: str
    pairs: int
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
    found = connection.execute("SELECT any_value(scorer), count(similarity) FROM scores").fetchall()
    scorer, pairs = found[0]
    report = json.loads((root / _FILTER_REPORT).read_bytes())
    return Scored(
        scorer=scorer,
        pairs=pairs,
        sides=report["pairs"],
        files=report["files"],
        phrases=report["phrases"],
    )
