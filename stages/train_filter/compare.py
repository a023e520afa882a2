"""Compares the cuts by the filter CLIP with those by the run's own score, and with random ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.atomic import write_json
from pipeline.errors import InputError
from skyscript.files.pairs_csv import PairsCsv
from stages.train_filter.config import TrainFilterConfig

if TYPE_CHECKING:
    import duckdb

COMPARISON = "comparison.json"
RANDOM = "random"


class Cut(NamedTuple):
    """The figures of the best pairs by one score."""

    top: int
    """Per cent."""
    by: str
    rows: int
    overlap: float | None
    """Share of the rows that the cut by the run's own score has too; None without such a score."""
    concepts: int
    match: float | None
    """Mean of the pairs that have one."""
    trusted: float
    """Share of the rows that the filter CLIP was trained on."""
    judged: int
    """Rows that are judged right or wrong."""
    right: float | None
    """Share of those that are judged right."""


class Comparison(NamedTuple):
    """All cuts, of the pairs that every score is known of."""

    pairs: int
    unscored: int
    """Pairs without one of the scores."""
    concepts: int
    cuts: list[Cut]

    def lines(self) -> list[str]:
        """Describe the cuts as a table for the terminal."""
        heads = ("rows", "overlap", "concepts", "match", "trusted", "right", "judged")
        lines = [f"{'cut':<32}" + "".join(f"{head:>10}" for head in heads)]
        for cut in self.cuts:
            cells = (
                *(f"{cut.rows:,}", _percent(cut.overlap)),
                *(f"{cut.concepts:,}", "-" if cut.match is None else f"{cut.match:.3f}"),
                *(_percent(cut.trusted), _percent(cut.right), f"{cut.judged:,}"),
            )
            name = f"top {cut.top} % by {cut.by}"
            lines.append(f"{name:<32}" + "".join(f"{cell:>10}" for cell in cells))
        lines.append(f"cuts of {self.pairs:,} pairs with {self.concepts:,} concepts")
        if self.unscored:
            lines.append(f"{self.unscored:>10,}  pairs left out, without a score")
        return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def compare_cuts(
    connection: duckdb.DuckDBPyConnection,
    scored: Path,
    scorer: str,
    out: Path,
    config: TrainFilterConfig,
) -> Comparison:
    """Write ``comparison.json``: the cuts of ``records`` by each score, and at random.

    The scores are that of ``scorer`` in the CSV ``scored``, and the run's own if it has one. Equal
    scores are ordered by path, and a cut has exactly floor(p · N) rows. Raises `InputError` if no
    pair has all scores.
    """
    _load_scores(connection, scored, f"similarity_{scorer}")
    own = _own_scorer(connection)
    condition = "score IS NOT NULL" + (" AND similarity IS NOT NULL" if own else "")
    by = {scorer: "score", **({own: "similarity"} if own else {}), RANDOM: "draw"}
    ranks = ", ".join(
        f"row_number() OVER (ORDER BY {column} DESC, filepath) AS rank_{number}"
        for number, column in enumerate(by.values())
    )
    connection.execute(
        f"CREATE TABLE ranked AS SELECT *, {ranks} FROM records JOIN new_scores USING (filepath) "
        f"WHERE {condition}"
    )
    [(pairs, concepts)] = connection.execute(
        "SELECT count(*), count(DISTINCT concept) FROM ranked"
    ).fetchall()
    [(everything,)] = connection.execute("SELECT count(*) FROM records").fetchall()
    if not pairs:
        raise InputError(f"{scored}: no pair has a score.")
    cuts = [
        _cut(connection, percent, pairs, name, number, 1 if own else None)
        for percent in config.top
        for number, name in enumerate(by)
    ]
    done = Comparison(pairs, everything - pairs, concepts, cuts)
    content = {**done._asdict(), "cuts": [cut._asdict() for cut in cuts]}
    write_json(out / COMPARISON, {**content, "options": config.model_dump(mode="json")})
    return done


def _load_scores(connection: duckdb.DuckDBPyConnection, scored: Path, column: str) -> None:
    file = PairsCsv(scored, ("filepath", column))
    names = ["filepath", column]
    schema = pa.schema([(name, pa.string()) for name in ("filepath", "score")])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in file.batches(names):
            yield pa.record_batch(batch.columns, schema=schema)

    connection.register("score_rows", pa.RecordBatchReader.from_batches(schema, batches()))
    connection.execute(
        "CREATE TABLE new_scores AS SELECT filepath, TRY_CAST(score AS DOUBLE) AS score "
        "FROM score_rows"
    )
    connection.unregister("score_rows")


def _own_scorer(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Give the name of the run's own score; None if the run is not scored."""
    found: Sequence[tuple[str]] = connection.execute(
        "SELECT DISTINCT scorer FROM records WHERE similarity IS NOT NULL ORDER BY scorer LIMIT 1"
    ).fetchall()
    return f"{found[0][0]} of the run" if found else None


def _cut(
    connection: duckdb.DuckDBPyConnection,
    percent: int,
    pairs: int,
    name: str,
    number: int,
    own: int | None,
) -> Cut:
    rows = percent * pairs // 100
    overlap = "NULL" if own is None else f"avg((rank_{own} <= {rows})::INT)"
    [(count, shared, concepts, match, trusted, judged, right)] = connection.execute(
        f"""
        SELECT count(*), {overlap}, count(DISTINCT concept), avg(match), avg(is_trusted::INT),
            count(*) FILTER (verdict IN ('right', 'wrong')),
            avg((verdict = 'right')::INT) FILTER (verdict IN ('right', 'wrong'))
        FROM ranked WHERE rank_{number} <= {rows}
        """
    ).fetchall()
    return Cut(percent, name, count, shared, concepts, match, trusted or 0.0, judged, right)
