"""How well map and images agree: figures by source and scene, and the shifts on a map."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

SCENES, ARROWS = 30, 400
"""Scenes in the table, and images on the map, at most."""

_SOURCES = """
    SELECT source, count(*), count(match), median(match),
        count(*) FILTER (match_confidence >= 0.5),
        median(sqrt(dx_m * dx_m + dy_m * dy_m)) FILTER (match_confidence >= 0.5),
        count(*) FILTER (date_gap_days > 0), count(*) FILTER (built_gap_days > 0)
    FROM match WHERE status = 'ok' GROUP BY source ORDER BY source
"""
_REASONS = """
    SELECT no_match, count(*) AS images FROM match WHERE no_match IS NOT NULL
    GROUP BY no_match ORDER BY images DESC, no_match
"""
_SCENES = f"""
    SELECT scene_id, images, sure_images, match, dx_m, dy_m, spread_m, no_shift, corrected
    FROM scene_shifts ORDER BY images DESC, scene_id LIMIT {SCENES}
"""
_ARROWS = f"""
    SELECT (west + east) / 2, (south + north) / 2, dx_m, dy_m, match_confidence
    FROM match JOIN images USING (object_id) WHERE match_confidence >= 0.5
    ORDER BY md5(object_id), object_id LIMIT {ARROWS}
"""


class SourceMatch(NamedTuple):
    """How well the images of a source agree with the map."""

    alias: str
    images: int
    matched: int
    match: float | None
    """Median, as in the next but one."""
    sure: int
    """Images whose shift is right with a probability of at least one half."""
    shift: float | None
    """Metres, of the sure images."""
    changed_later: int
    """Images whose object changed on the map after the capture."""
    built_later: int


class SceneMatch(NamedTuple):
    """A row of the table ``scene_shifts``."""

    scene_id: str
    images: int
    sure: int
    match: float | None
    east: float | None
    north: float | None
    spread: float | None
    no_shift: str | None
    corrected: bool


class Shifts(NamedTuple):
    """The figures on the agreement of map and images."""

    sources: list[SourceMatch]
    reasons: list[tuple[str, int]]
    """Why images have no match, and the number of images."""
    scenes: list[SceneMatch]
    arrows: list[tuple[float, float, float, float, float]]
    """Longitude, latitude, metres to the east and to the north, confidence."""

    @property
    def longest(self) -> float:
        """Metres of the longest shift on the map."""
        return max((math.hypot(east, north) for _, _, east, north, _ in self.arrows), default=0.0)


def compute_shifts(connection: duckdb.DuckDBPyConnection) -> Shifts:
    """Compute the figures of the tables ``match`` and ``scene_shifts``."""
    return Shifts(
        [SourceMatch(*row) for row in connection.execute(_SOURCES).fetchall()],
        [(reason, images) for reason, images in connection.execute(_REASONS).fetchall()],
        [SceneMatch(*row) for row in connection.execute(_SCENES).fetchall()],
        [(x, y, e, n, c) for x, y, e, n, c in connection.execute(_ARROWS).fetchall()],
    )
