"""Figures of all pairs for training and of each output file, for the report and the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from image_sources import SOURCES
from skyscript.files.phrases import TAGS
from stages.filter.concepts import concept_of
from stages.filter.config import FilterConfig
from stages.filter.cuts import is_plain
from stages.filter.input_table import quote
from stages.filter.rows import Sets, find_mask

if TYPE_CHECKING:
    import duckdb

_LARGEST = 10
_SHOWN = 8
"""Number of values of one kind in the table on the screen; the report has them all."""
UNKNOWN = "unknown"


class FileSummary(NamedTuple):
    """The figures of an output file, or of all pairs before the cut."""

    file: str
    rows: int
    tags: int
    """Number of distinct tags in the titles."""
    captions: int
    """Number of distinct titles."""
    concepts: int
    """Number of distinct concepts."""
    in_largest: float | None
    """Share of the rows in the ten largest concepts; None without rows."""
    by_source: dict[str, int]
    by_gsd: dict[str, int]
    """Rows by the ground sampling distance of their source, the finest first."""
    by_country: dict[str, int] | None
    """Rows by the column ``country``; None if no row has one."""
    like_plain: float | None
    """Share of the rows that are also among the best by score alone; None for held-out files."""


def summarise(
    connection: duckdb.DuckDBPyConnection,
    sets: Sets,
    compared: Collection[str],
    config: FilterConfig,
) -> list[FileSummary]:
    """Give the figures of each set of pairs, by the name of its file.

    Those ``compared`` are compared with the pairs that score alone selects. All sets are counted in
    one pass, and the concept is found for each title, and not for each pair.
    """
    named = f"coalesce({quote(config.concept)}, '')" if config.concept else "NULL::VARCHAR"
    _count_sets(connection, sets, "by_title", f"title, {named} AS concept", "input_rows")
    _count_sets(connection, sets, "by_source", "source, country", "pairs")
    connection.execute(
        f"CREATE TABLE shown AS SELECT * REPLACE ({concept_of(config)} AS concept) FROM by_title"
    )
    return [
        _summarise(
            connection,
            file,
            f"set{at}",
            _compare(connection, sets, file, config) if file in compared else None,
        )
        for at, file in enumerate(sets.of)
    ]


def _count_sets(
    connection: duckdb.DuckDBPyConnection, sets: Sets, table: str, columns: str, source: str
) -> None:
    """Create a table with the number of rows in each set, ``set0`` and so on, for some columns."""
    numbers = sets.numbers
    if source == "pairs":
        numbers = numbers[connection.execute("SELECT row FROM pairs").fetchnumpy()["row"]]
    connection.register("numbers", pa.table({"number": numbers}))
    counts = ", ".join(
        f"coalesce(sum(rows) FILTER (number IN ({', '.join(map(str, sets.holding([name])))})), 0)"
        f"::BIGINT AS set{at}"
        for at, name in enumerate(sets.of)
    )
    connection.execute(
        f"""
        CREATE TABLE {table} AS SELECT * EXCLUDE (number, rows), {counts} FROM (
            SELECT {columns}, number, count(*) AS rows FROM {source} POSITIONAL JOIN numbers
            GROUP BY ALL) GROUP BY ALL
        """
    )
    connection.unregister("numbers")


def _compare(
    connection: duckdb.DuckDBPyConnection, sets: Sets, file: str, config: FilterConfig
) -> float | None:
    """Give the share of the pairs that are among as many that score alone selects."""
    mask = sets.of[file][sets.numbers]
    rows = int(mask.sum())
    if not rows or is_plain(config):
        return 1.0 if rows else None
    best = find_mask(connection, "SELECT row FROM candidates WHERE plain <= $rows", rows=rows)
    return float((mask & best).sum() / rows)


def _summarise(
    connection: duckdb.DuckDBPyConnection, file: str, pairs: str, like_plain: float | None
) -> FileSummary:
    """Give the figures of a set, whose numbers of pairs are in the columns ``pairs``."""
    [(rows, captions)] = connection.execute(
        f"SELECT coalesce(sum({pairs}), 0)::BIGINT, count(DISTINCT title) FILTER ({pairs} > 0) "
        "FROM shown"
    ).fetchall()
    [(tags,)] = connection.execute(
        f"SELECT count(DISTINCT tag) FROM (SELECT unnest({TAGS}) AS tag FROM "
        f"(SELECT DISTINCT title FROM shown WHERE {pairs} > 0))"
    ).fetchall()
    concepts = sorted(_count(connection, "shown", "concept", pairs).values(), reverse=True)
    sources = _count(connection, "by_source", "source", pairs)
    countries = _count(connection, "by_source", "country", pairs)
    return FileSummary(
        file,
        rows,
        tags,
        captions,
        len(concepts),
        sum(concepts[:_LARGEST]) / rows if rows else None,
        sources,
        _by_gsd(sources),
        None if set(countries) <= {UNKNOWN} else countries,
        like_plain,
    )


def _count(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, pairs: str
) -> dict[str, int]:
    rows = connection.execute(
        f"SELECT coalesce({column}, '{UNKNOWN}') AS value, sum({pairs})::BIGINT FROM {table} "
        f"WHERE {pairs} > 0 GROUP BY value ORDER BY value"
    ).fetchall()
    return dict(rows)


def _by_gsd(sources: Mapping[str, int]) -> dict[str, int]:
    counts: Counter[float] = Counter()
    for source, rows in sources.items():
        counts[SOURCES[source].gsd if source in SOURCES else float("inf")] += rows
    return {UNKNOWN if gsd > 1e6 else f"{gsd:g} m": counts[gsd] for gsd in sorted(counts)}


def make_table(before: FileSummary, files: Sequence[FileSummary]) -> Iterator[str]:
    """Describe what the cuts cover, before and after, in lines for the terminal."""
    columns = [before, *files]
    heads = [
        "before",
        *(one.file.removeprefix("SkyScript_").split("_filtered")[0] for one in files),
    ]

    def line(name: str, cells: Sequence[str]) -> str:
        return f"{name[:24]:<24}" + "".join(f"{cell:>16}" for cell in cells)

    yield line("coverage", heads)
    yield line("concepts", [f"{one.concepts:,}" for one in columns])
    yield line("in ten largest concepts", [f"{one.in_largest or 0:.1%}" for one in columns])
    for kind in ("by_source", "by_gsd", "by_country"):
        counts = [getattr(one, kind) or {} for one in columns]
        values = sorted(counts[0], key=lambda value: -counts[0][value])[:_SHOWN]
        for value in (value for value in counts[0] if value in values):
            shares = [
                each.get(value, 0) / (one.rows or 1)
                for each, one in zip(counts, columns, strict=True)
            ]
            yield line(f"{kind[3:]} {value or UNKNOWN}", [f"{share:.1%}" for share in shares])


def count_sides(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Count the pairs of each split, and the pairs without one by their reason."""
    rows = connection.execute(
        """
        SELECT coalesce(reason, coalesce(split, 'train') || CASE
                WHEN NOT titled THEN ', without a caption'
                WHEN NOT scored THEN ', without a score' ELSE '' END) AS side, sum(pairs)::BIGINT
        FROM (
            SELECT split, reason, titled, score IS NOT NULL AS scored, count(*) AS pairs
            FROM pairs LEFT JOIN homes USING (row) GROUP BY ALL)
        GROUP BY side ORDER BY side
        """
    ).fetchall()
    return dict(rows)
