"""A query for the scenes of a source: the fields that all services share."""

from __future__ import annotations

from dataclasses import dataclass

from image_sources import ImageSource

OLDEST, NO_END = 1900, 9998
"""Years for sources without a first or last one, so that no clock decides what is searched."""


@dataclass(frozen=True, kw_only=True)
class SceneQuery:
    """A query for the scenes of one source; each service adds fields of its own."""

    alias: str
    """The alias of the source."""
    years: tuple[int, int]
    """The first and the last year, both included."""
    max_cloud: float
    """Upper limit of the cloud cover, in percent."""
    per_place: int | None
    """How many scenes to list for each object of a place: those with the fewest clouds that show
    it. None: all scenes."""
    weight: float
    """The weight of the source where one source is drawn for a tile."""


def years_of(chosen: tuple[int, int] | None, source: ImageSource | None) -> tuple[int, int]:
    """Give the years of a config; without them, all years of the source."""
    first, last = source.years if source else (OLDEST, None)
    return chosen or (first, last or NO_END)
