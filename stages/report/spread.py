"""How the pairs of a run spread over scores, match, sizes, years and texts: counts for charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.schema import STATUS_OK

if TYPE_CHECKING:
    import duckdb

BINS = 40
MOST_TOKENS = 200
"""Tokens of the last bin, which holds the longer captions too."""
ALL = "all pairs"
_CUTS = f"""
    SELECT unnest(list_concat(['{ALL}'], list_transform(
        list_filter(files, lambda one: contains(one.file, '_filtered_by_')), lambda one: one.file
    ))) AS series, {{value}} AS value FROM pairs
"""
_SOURCES = "SELECT source AS series, {value} AS value FROM pairs"
_CAPTIONS = {
    "of the object": "",
    "of all objects": "_multi_objects",
    "short": "_short",
    "long": "_long",
}
"""The captions of a pair, and the ends of the names of their columns."""
_TOKENS = " UNION ALL ".join(
    f"SELECT '{series}' AS series, least(tokens{end}, {MOST_TOKENS}) AS value FROM pairs"
    for series, end in _CAPTIONS.items()
)
_SIDES = "SELECT source AS series, greatest(width, height) AS value FROM pairs"
_NODATA = f"SELECT source AS series, nodata_share AS value FROM images WHERE status = '{STATUS_OK}'"
_TIMES = " UNION ALL ".join(
    f"SELECT '{series}' AS series, count(*) AS times FROM pairs "
    f"WHERE title{end} IS NOT NULL GROUP BY title{end}"
    for series, end in _CAPTIONS.items()
)
_REPEATED = f"""
    SELECT series, CASE WHEN times = 1 THEN 'once' WHEN times = 2 THEN 'twice'
            WHEN times <= 5 THEN '3 to 5 times' WHEN times <= 10 THEN '6 to 10 times'
            WHEN times <= 100 THEN '11 to 100 times' ELSE 'more often' END AS name,
        sum(times)::BIGINT AS pairs
    FROM ({_TIMES}) GROUP BY ALL ORDER BY series DESC, min(times)
"""
_BY_NAME = (
    "SELECT source, {value} AS name, count(*) FROM pairs GROUP BY ALL ORDER BY {value}, source"
)


class Bin(NamedTuple):
    """The number of pairs of a series from ``low`` up to ``high``."""

    series: str
    low: float
    high: float
    pairs: int


class Count(NamedTuple):
    """The number of pairs of a series with a name."""

    series: str
    name: str
    pairs: int


class Spread(NamedTuple):
    """All counts; empty where the run has no such values."""

    similarity: list[Bin]
    similarity_cuts: list[Bin]
    match: list[Bin]
    match_cuts: list[Bin]
    tokens: list[Bin]
    sides: list[Bin]
    nodata: list[Bin]
    repeated: list[Count]
    gsds: list[Count]
    years: list[Count]


def compute_spread(connection: duckdb.DuckDBPyConnection) -> Spread:
    """Count the tables ``pairs`` and ``images``."""

    def counts(query: str) -> list[Count]:
        return [Count(*row) for row in connection.execute(query).fetchall()]

    def bins(query: str, value: str = "", step: float | None = None) -> list[Bin]:
        return _bins(connection, query.format(value=value), step)

    return Spread(
        similarity=bins(_SOURCES, "similarity"),
        similarity_cuts=bins(_CUTS, "similarity"),
        match=bins(_SOURCES, "match"),
        match_cuts=bins(_CUTS, "match"),
        tokens=bins(_TOKENS, step=5),
        sides=bins(_SIDES, step=50),
        nodata=bins(_NODATA, step=0.05),
        repeated=counts(_REPEATED),
        gsds=counts(_BY_NAME.format(value="gsd")),
        years=counts(_BY_NAME.format(value="year(acquired)")),
    )


def _bins(connection: duckdb.DuckDBPyConnection, query: str, step: float | None) -> list[Bin]:
    """Count values in bins of one width, by series."""
    values = f"(SELECT * FROM ({query}) WHERE value IS NOT NULL)"
    low, high = connection.execute(f"SELECT min(value), max(value) FROM {values}").fetchall()[0]
    if low is None:
        return []
    start = 0.0 if step else float(low)
    width = step or max(float(high) - start, 1e-6) / BINS
    last = int((float(high) - start) / width) if step else BINS - 1
    found = connection.execute(
        "SELECT series, least(floor((value - $start) / $width), $last)::INT AS bin, count(*) "
        f"FROM {values} GROUP BY ALL ORDER BY series, bin",
        {"start": start, "width": width, "last": last},
    ).fetchall()
    return [
        Bin(series, round(start + number * width, 6), round(start + (number + 1) * width, 6), pairs)
        for series, number, pairs in found
    ]
