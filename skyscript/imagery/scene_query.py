"""Which scenes of a source to list: the fields that a query has for every service."""

from __future__ import annotations

from dataclasses import dataclass


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
    """How many scenes to list for each place, those with the fewest clouds; None: all scenes."""
    weight: float
    """The weight of the source where one source is drawn for a tile."""
