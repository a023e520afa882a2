"""What scoring and the filter made of a run: figures, and the pairs at both ends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stages.report.charts import bars

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


def scores_section(scored: Scored, best: Sequence[str], worst: Sequence[str]) -> str:
    """Say how the scores are spread, and show pairs of both ends, given as figures of HTML."""
    chart = bars(scored.histogram, "Pairs by score")
    return (
        f'<p class="lead">{scored.pairs:,} pairs, each the cosine of an image and its title under '
        f"{escape(scored.scorer)}.</p>\n"
        f"<h3>Pairs by score, from the value named</h3>\n{chart}\n"
        f"<h3>The best, each of another title</h3>\n"
        f'<div class="gallery">\n{"".join(best)}</div>\n'
        f"<h3>The worst, likewise</h3>\n"
        f'<div class="gallery">\n{"".join(worst)}</div>\n'
    )


def filter_section(scored: Scored) -> str:
    """Say what each filtered file holds."""
    sources = sorted({source for file in scored.files for source in file["by_source"]})
    heads = "".join(f"<th>{escape(source)}</th>" for source in sources)
    rows = "".join(_file(file, sources) for file in scored.files)
    before = ", ".join(f"{number:,} {escape(side)}" for side, number in scored.sides.items())
    return (
        f'<p class="lead">Before the cut: {before}.</p>\n'
        '<div class="wide"><table><thead><tr><th>File</th><th>Rows</th><th>Tags</th>'
        f"<th>Titles</th>{heads}<th>As the plain cut</th></tr></thead>\n"
        f"<tbody>{rows}</tbody></table></div>\n{_phrases(scored.phrases)}"
    )


def _phrases(dropped: dict[str, Any] | None) -> str:
    if dropped is None:
        return ""
    rows = "".join(
        f"<tr><th>{escape(phrase)}</th><td>{low:,}</td><td>{count:,}</td></tr>"
        for phrase, low, count in dropped["most"]
    )
    return (
        f"<h3>{dropped['dropped']:,} of {dropped['phrases']:,} phrases of neighbours dropped, "
        f"below {dropped['below']:.4f}, from {dropped['captions']:,} captions; most often</h3>\n"
        "<table><thead><tr><th>Phrase</th><th>dropped</th><th>of</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>\n"
    )


def _file(file: dict[str, Any], sources: Sequence[str]) -> str:
    like = "" if file["like_plain"] is None else f"{file['like_plain']:.1%}"
    counts = [file["rows"], file["tags"], file["captions"]]
    counts += [file["by_source"].get(source, 0) for source in sources]
    cells = "".join(f"<td>{count:,}</td>" for count in counts)
    return f"<tr><th>{escape(file['file'])}</th>{cells}<td>{like}</td></tr>\n"
