"""The figures on the page, which DuckDB computes from the tables of a run."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.schema import STATUS_FAILED, STATUS_FILTERED, STATUS_OK
from skyscript.captions import CLIP_CONTEXT

if TYPE_CHECKING:
    import duckdb

MOST_TAGS, RARE_TAGS = 40, 60
ACROSS = 140
"""Number of cells of the map from west to east."""

_STEPS = (
    ("boxes", "boxes"),
    ("eligible", "eligible"),
    ("plan", "tiles"),
    ("fetch", "images"),
    ("overlay", "meta"),
    ("caption", "captions"),
)
_CARRIES_ON = {"eligible": "boxes", "images": "tiles", "meta": "images", "captions": "meta"}
"""A table, and the table whose rows and statuses it repeats. A step counts only new statuses."""

_TAGS = """
    CREATE TABLE tags AS
    SELECT tag.key AS key, tag.value AS value, count(*) AS images
    FROM (SELECT unnest(map_entries(center_tags)) AS tag FROM meta WHERE status = 'ok')
    GROUP BY ALL
"""
_RARE = f"""
    SELECT key, value FROM tags WHERE images = 1
    ORDER BY md5(key || '=' || value), key, value LIMIT {RARE_TAGS}
"""
"""Some tags from the whole alphabet, always the same."""
_CAPTIONS = f"""
    SELECT count(*), count(DISTINCT title), count(DISTINCT title_multi_objects),
        coalesce(sum(len(string_split(title, ' '))), 0)::BIGINT,
        coalesce(sum(len(string_split(title_multi_objects, ' '))), 0)::BIGINT,
        count(*) FILTER (tokens > {CLIP_CONTEXT}),
        count(*) FILTER (tokens_multi_objects > {CLIP_CONTEXT})
    FROM captions WHERE status = 'ok'
"""
_SOURCES = """
    SELECT source, gsd, count(*), sum(byte_size)::BIGINT
    FROM images WHERE status = 'ok' GROUP BY ALL ORDER BY source, gsd
"""
_EXTENT = """
    SELECT min(west), min(south), max(east), max(north) FROM (
        SELECT (west + east) / 2 AS west, (south + north) / 2 AS south,
            (west + east) / 2 AS east, (south + north) / 2 AS north
        FROM boxes WHERE status = 'ok'
        UNION ALL SELECT west, south, east, north FROM images WHERE status = 'ok'
    )
"""
_CELLS = """
    SELECT floor(((west + east) / 2 - $west) / $side)::INT AS x,
        floor(((south + north) / 2 - $south) / $rise)::INT AS y, count(*)
    FROM boxes WHERE status = 'ok' GROUP BY ALL ORDER BY x, y
"""


@dataclass(frozen=True)
class Step:
    """The results of a stage for its input rows."""

    name: str
    rows: int
    ok: int
    filtered: int
    failed: int
    reasons: tuple[tuple[str, str, int], ...]
    """Status, reason and number of rows; the most frequent reasons come first."""


@dataclass(frozen=True)
class SourceFigures:
    """The figures of an imagery source."""

    alias: str
    images: int
    bytes: int
    gsds: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Cover:
    """The content of the map, in degrees."""

    west: float
    south: float
    side: float
    """Width of a cell."""
    rise: float
    """Height of a cell. It equals the width in metres."""
    columns: int
    rows: int
    objects: tuple[tuple[int, int, int], ...]
    """Column, row (from the south) and number of objects."""


@dataclass(frozen=True)
class Figures:
    """All figures of the page."""

    steps: tuple[Step, ...]
    objects: int
    wanted: int
    """Number of objects that a tile can show."""
    focus: int
    captioned: int
    chosen_by: tuple[tuple[str, int], ...]
    sources: tuple[SourceFigures, ...]
    listed_sources: tuple[tuple[str, int], ...]
    """Alias and number of scenes of every source that the run may use."""
    tags: tuple[tuple[str, str, int], ...]
    """Key, value and number of images of the most frequent tags."""
    rare_tags: tuple[tuple[str, str], ...]
    """Some tags that describe only one image."""
    distinct_tags: int
    single_tags: int
    distinct_titles: int
    distinct_multi: int
    title_words: int
    """Number of words in all titles."""
    multi_words: int
    """Number of words in all captions ``title_multi_objects``."""
    titles_cut: int
    """Number of titles that are longer than CLIP's context."""
    multi_cut: int
    """Number of captions ``title_multi_objects`` that are longer."""
    cover: Cover | None


def compute_figures(connection: duckdb.DuckDBPyConnection) -> Figures:
    """Compute the figures of the tables, which are registered under their names."""

    def rows(query: str, **values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - SQL's values
        return connection.execute(query, values).fetchall()

    def one(query: str) -> int:
        return int(rows(query)[0][0])

    connection.execute(_TAGS)
    captioned, titles, multi, title_words, multi_words, cut, multi_cut = rows(_CAPTIONS)[0]
    in_order = "ORDER BY images DESC, key, value LIMIT"
    return Figures(
        steps=_count_steps(connection),
        objects=one("SELECT count(*) FROM boxes WHERE status = 'ok'"),
        wanted=one("SELECT count(*) FROM wanted WHERE status = 'ok'"),
        focus=one("SELECT count(*) FROM focus"),
        captioned=captioned,
        chosen_by=tuple(
            rows("SELECT chosen_by, count(*) FROM focus GROUP BY ALL ORDER BY chosen_by")
        ),
        sources=_group_sources(rows(_SOURCES)),
        listed_sources=tuple(
            rows("SELECT source, count(*) FROM scenes GROUP BY ALL ORDER BY source")
        ),
        tags=tuple(rows(f"SELECT key, value, images FROM tags {in_order} {MOST_TAGS}")),
        rare_tags=tuple(sorted(rows(_RARE))),
        distinct_tags=one("SELECT count(*) FROM tags"),
        single_tags=one("SELECT count(*) FROM tags WHERE images = 1"),
        distinct_titles=titles,
        distinct_multi=multi,
        title_words=title_words,
        multi_words=multi_words,
        titles_cut=cut,
        multi_cut=multi_cut,
        cover=_compute_cover(connection),
    )


def _count_steps(connection: duckdb.DuckDBPyConnection) -> tuple[Step, ...]:
    counted: dict[str, Counter[tuple[str, str]]] = {}
    steps = []
    for name, table in _STEPS:
        query = f"SELECT status, coalesce(reason, ''), count(*) FROM {table} GROUP BY ALL"
        counts = Counter({(s, r): n for s, r, n in connection.execute(query).fetchall()})
        counted[table] = counts
        new = counts - counted[_CARRIES_ON[table]] if table in _CARRIES_ON else counts
        ok = sum(n for (status, _), n in counts.items() if status == STATUS_OK)
        lost = sorted(
            ((n, *key) for key, n in new.items() if key[0] != STATUS_OK),
            key=lambda item: (-item[0], item[1:]),
        )
        by_status = Counter({STATUS_FILTERED: 0, STATUS_FAILED: 0})
        for n, status, _ in lost:
            by_status[status] += n
        steps.append(
            Step(
                name=name,
                rows=ok + sum(by_status.values()),
                ok=ok,
                filtered=by_status[STATUS_FILTERED],
                failed=by_status[STATUS_FAILED],
                reasons=tuple((status, reason, n) for n, status, reason in lost),
            )
        )
    return tuple(steps)


def _group_sources(rows: list[tuple[Any, ...]]) -> tuple[SourceFigures, ...]:
    by_alias: dict[str, list[tuple[float, int, int]]] = {}
    for alias, gsd, images, size in rows:
        by_alias.setdefault(alias, []).append((gsd, images, size))
    return tuple(
        SourceFigures(
            alias=alias,
            images=sum(images for _, images, _ in lines),
            bytes=sum(size for _, _, size in lines),
            gsds=tuple((gsd, images) for gsd, images, _ in lines),
        )
        for alias, lines in by_alias.items()
    )


def _compute_cover(connection: duckdb.DuckDBPyConnection) -> Cover | None:
    west, south, east, north = connection.execute(_EXTENT).fetchall()[0]
    if west is None:
        return None
    # A margin of 2 % on each side. The map of a single point has a side of 0.002 degrees.
    width, height = max(east - west, 0.002) * 1.04, max(north - south, 0.002) * 1.04
    west, south = (west + east - width) / 2, (south + north - height) / 2
    stretch = math.cos(math.radians(min(80.0, abs(south + height / 2))))
    side = max(width, height / stretch) / ACROSS
    rise = side * stretch
    grid = {"west": west, "south": south, "side": side, "rise": rise}
    cells = connection.execute(_CELLS, grid).fetchall()
    return Cover(
        **grid,
        columns=math.ceil(width / side),
        rows=math.ceil(height / rise),
        objects=tuple((x, y, n) for x, y, n in cells),
    )
