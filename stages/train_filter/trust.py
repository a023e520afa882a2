"""Chooses the pairs that geometry, pixels and judge trust, and writes them for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.atomic import write_file, write_json
from pipeline.errors import InputError
from skyscript.files.pairs_csv import write_pairs
from stages.train_filter.config import TrainFilterConfig
from stages.train_filter.records import BOX

if TYPE_CHECKING:
    import duckdb

TRUSTED, ALL, COUNTS = "trusted.csv", "pairs.csv", "trust.json"
_COLUMNS = ("filepath", "title", "title_multi_objects", *BOX, "match")
_BATCH = 4096


class Trusted(NamedTuple):
    """How many pairs are trusted, and why the others are not."""

    pairs: int
    trusted: int
    reasons: dict[str, int]
    """Number of pairs by the first reason not to trust them."""
    match_at_least: float | None
    """The value of the quantile of the match; None if the match is not looked at."""
    notes: list[str]
    """Sentences on what could not be looked at."""

    def lines(self) -> list[str]:
        """Describe the choice in lines for the terminal."""
        lines = [f"{self.trusted:>10,}  of {self.pairs:,} pairs trusted: train on them"]
        lines += [f"{count:>10,}  not trusted: {reason}" for reason, count in self.reasons.items()]
        return [*lines, *self.notes]


def choose_trusted(
    connection: duckdb.DuckDBPyConnection, out: Path, config: TrainFilterConfig
) -> Trusted:
    """Write ``trusted.csv``, ``pairs.csv`` with all pairs, and ``trust.json``.

    ``records`` gets a column ``is_trusted``. Raises `InputError` if no pair is trusted.
    """
    limit = _match_limit(connection, config)
    connection.execute("ALTER TABLE records ADD COLUMN reason VARCHAR")
    connection.execute(f"UPDATE records SET reason = {_reason(config, limit)}")
    found = connection.execute(
        "SELECT reason, count(*) FROM records GROUP BY reason ORDER BY count(*) DESC, reason"
    ).fetchall()
    counts = dict(found)
    trusted = counts.pop(None, 0)
    notes = list(_notes(connection, config, limit))
    done = Trusted(trusted + sum(counts.values()), trusted, counts, limit, notes)
    if not trusted:
        raise InputError(f"none of the pairs is trusted: {'; '.join(done.lines()[1:])}")
    connection.execute("ALTER TABLE records ADD COLUMN is_trusted BOOLEAN")
    connection.execute("UPDATE records SET is_trusted = reason IS NULL")
    _write(connection, out / TRUSTED, "is_trusted")
    _write(connection, out / ALL, "true")
    write_json(out / COUNTS, {**done._asdict(), "options": config.model_dump(mode="json")})
    return done


def _match_limit(connection: duckdb.DuckDBPyConnection, config: TrainFilterConfig) -> float | None:
    """Give the quantile of the match; None if no pair has one, or the option is 0."""
    if not config.match_quantile:
        return None
    [(limit,)] = connection.execute(
        f"SELECT quantile_disc({config.match_by}, {config.match_quantile}) FROM records"
    ).fetchall()
    return None if limit is None else float(limit)


def _reason(config: TrainFilterConfig, limit: float | None) -> str:
    """Give SQL for the first reason not to trust a pair; null if it is trusted."""
    cases = [
        ("coalesce(trim(title), '') = ''", "it has no caption"),
        ("verdict = 'wrong'", "judged wrong"),
        ("verdict = 'unsure'", "judged unsure"),
        ("NOT is_shown", "the image does not certainly show what its caption names"),
        (f"cloud_share > {config.max_cloud_share}", "cloud"),
        (f"blank_share > {config.max_blank}", "a black or white area"),
        (f"haze > {config.max_haze}", "haze"),
        (f"sharpness < {config.min_sharpness}", "blur"),
    ]
    if limit is not None:
        cases += [
            (f"{config.match_by} IS NULL", "map and image have no match"),
            (f"{config.match_by} < {limit!r}", f"{config.match_by} below {limit:.4f}"),
        ]
    return "CASE " + " ".join(f"WHEN {when} THEN '{then}'" for when, then in cases) + " END"


def _notes(
    connection: duckdb.DuckDBPyConnection, config: TrainFilterConfig, limit: float | None
) -> Iterator[str]:
    if config.match_quantile and limit is None:
        yield f"no pair has a {config.match_by}: the match is not looked at"
    [(known,)] = connection.execute("SELECT count(is_shown) FROM records").fetchall()
    if config.shown == "yes" and not known:
        yield "the run has no table truth (density.cell makes it): what images show is not known"


def _write(connection: duckdb.DuckDBPyConnection, path: Path, condition: str) -> None:
    write_file(path, lambda file: write_pairs(file, _COLUMNS, _rows(connection, condition)))


def _rows(connection: duckdb.DuckDBPyConnection, condition: str) -> Iterator[Sequence[object]]:
    """Yield the rows of a file in the order of the paths; a missing value is empty."""
    texts = ", ".join(f"coalesce({name}::VARCHAR, '')" for name in _COLUMNS)
    found = connection.cursor().execute(
        f"SELECT {texts} FROM records WHERE {condition} ORDER BY filepath"
    )
    while rows := found.fetchmany(_BATCH):
        yield from rows
