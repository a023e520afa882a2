"""What a search of a service looks for."""

from __future__ import annotations

from dataclasses import dataclass

from image_sources import ImageSource

OLDEST, NO_END = 1900, 9998
"""Years for sources that do not name their first or last one: no clock decides what is searched."""


@dataclass(frozen=True)
class Wanted:
    """Which images of a source are wanted."""

    alias: str
    years: tuple[int, int]
    max_cloud: float
    per_place: int
    """For satellites: how many images of each place, clearest first."""
    weight: float


def years_of(chosen: tuple[int, int] | None, source: ImageSource | None) -> tuple[int, int]:
    """Give the years of a config; without them, all years of the source."""
    first, last = source.years if source else (OLDEST, None)
    return chosen or (first, last or NO_END)
