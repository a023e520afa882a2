"""Figures of an export, for its card and its summary: DuckDB counts out of core."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from skyscript.geo.countries import Region, region_of

if TYPE_CHECKING:
    import duckdb

BATCH = 64
"""The pairs of a batch whose diversity is measured."""
BLOCK = 0.1
"""Degrees of the side of a block."""
_MOST_TAGS = 20
_ROUND = 3
"""Decimals of the degrees by which a country is looked up: about 100 m."""
_ROWS = 4096


class Diversity(NamedTuple):
    """The mean number of pairs, in a batch of 64, that come from its most frequent block."""

    run: float
    """The figure in the order of the run, or of the captions file."""
    export: float
    """The figure in the order of the export."""
    blocks: int
    """The number of blocks of the split."""


class Share(NamedTuple):
    """A value and how many pairs have it."""

    value: str
    pairs: int
    share: float


class Figures(NamedTuple):
    """What a reader of the card may ask about the pairs."""

    pairs: int
    captions: int
    """The number of distinct titles."""
    bounds: tuple[float, float, float, float]
    """West, south, east, north in degrees."""
    years: tuple[int, int]
    gsds: tuple[float, float]
    """The finest and the coarsest GSD, in metres."""
    places: Sequence[Share]
    """The cells of 10 degrees with the most pairs, by their south-west corner."""
    parts: Sequence[Share]
    """Continents and oceans."""
    countries: Sequence[Share]
    sources: Sequence[Share]
    by_year: Sequence[Share]
    by_gsd: Sequence[Share]
    tags: Sequence[Share]
    """The most frequent tags of the focus objects."""
    scored: float | None
    """The mean similarity of image and title; None without scores."""

    def as_json(self) -> dict[str, Any]:
        """Give the figures with their names."""
        return {
            name: [one._asdict() for one in value] if isinstance(value, list) else value
            for name, value in self._asdict().items()
        }


_CELL = (
    "printf('%+d, %+d', CAST(floor((west + east) / 20) * 10 AS INT), "
    "CAST(floor((south + north) / 20) * 10 AS INT))"
)
_GSD = (
    "CASE WHEN gsd < 0.15 THEN '0 to 0.15 m' WHEN gsd < 0.4 THEN '0.15 to 0.4 m' "
    "WHEN gsd < 1 THEN '0.4 to 1 m' WHEN gsd < 5 THEN '1 to 5 m' ELSE '5 m and more' END"
)


def compute_figures(connection: duckdb.DuckDBPyConnection) -> Figures:
    """Count the view ``pairs``."""
    regions = _count_regions(connection)
    count, captions, *rest, scored = _one(
        connection,
        "SELECT count(*), count(DISTINCT title), min(west), min(south), max(east), max(north), "
        "min(year(acquired)), max(year(acquired)), min(gsd), max(gsd), avg(similarity) FROM pairs",
    )
    return Figures(
        pairs=count,
        captions=captions,
        bounds=tuple(rest[:4]),
        years=tuple(rest[4:6]),
        gsds=tuple(rest[6:]),
        places=_shares(connection, _CELL, count, "n DESC, value")[:_MOST_TAGS],
        parts=_ranked(regions, "part"),
        countries=_ranked(regions, "country"),
        sources=_shares(connection, "source", count, "n DESC, value"),
        by_year=_shares(connection, "CAST(year(acquired) AS VARCHAR)", count, "value"),
        by_gsd=_shares(connection, _GSD, count, "value"),
        tags=_shares(connection, "unnest(tags)", count, "n DESC, value")[:_MOST_TAGS],
        scored=scored,
    )


def _count_regions(connection: duckdb.DuckDBPyConnection) -> Counter[Region]:
    """Count the pairs of each country and part of the world, by the middle of their boxes."""
    places = connection.execute(
        f"SELECT round((west + east) / 2, {_ROUND}) AS x, round((south + north) / 2, {_ROUND}) "
        "AS y, count(*) FROM pairs GROUP BY x, y"
    )
    found: Counter[Region] = Counter()
    while rows := places.fetchmany(_ROWS):
        for lon, lat, count in rows:
            found[region_of(lon, lat)] += count
    return found


def _ranked(regions: Counter[Region], name: Literal["country", "part"]) -> list[Share]:
    """Give the most frequent countries, or parts of the world."""
    found: Counter[str] = Counter()
    for region, count in regions.items():
        found[getattr(region, name)] += count
    order = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return [Share(value, n, n / regions.total()) for value, n in order[:_MOST_TAGS]]


def measure_diversity(connection: duckdb.DuckDBPyConnection, split: str) -> Diversity:
    """Compare the full batches of a split before and after the shuffle, or the only batch."""
    block = (
        f"CAST(floor((west + east) / 2 / {BLOCK}) AS INT) AS x, "
        f"CAST(floor((south + north) / 2 / {BLOCK}) AS INT) AS y"
    )
    rows = f"(SELECT row, draw, filepath, {block} FROM pairs WHERE split = '{split}')"
    blocks = _one(connection, f"SELECT count(DISTINCT (x, y)) FROM {rows}")[0]
    full = f"coalesce(avg(most) FILTER (size = {BATCH}), avg(most))"
    means = []
    for order in ("row", "draw"):
        number = f"(row_number() OVER (ORDER BY {order}, filepath) - 1) // {BATCH}"
        batches = f"SELECT {number} AS b, x, y FROM {rows}"
        of_blocks = f"SELECT b, count(*) AS n FROM ({batches}) GROUP BY b, x, y"
        of_batches = f"SELECT b, max(n) AS most, sum(n) AS size FROM ({of_blocks}) GROUP BY b"
        means.append(_one(connection, f"SELECT {full} FROM ({of_batches})")[0])
    return Diversity(run=means[0], export=means[1], blocks=blocks)


def _shares(
    connection: duckdb.DuckDBPyConnection, value: str, count: int, order: str
) -> list[Share]:
    query = (
        f"SELECT value, count(*) AS n FROM (SELECT {value} AS value FROM pairs) GROUP BY value "
        f"ORDER BY {order}"
    )
    return [Share(name, n, n / count) for name, n in connection.execute(query).fetchall()]


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row
