"""The season, as in "The image was taken in summer".

``season(image) = summer``: the meteorological season of the month of acquisition (June to August
north of the equator), if it is known to the day, and outside the tropics.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stages.statements.claims import Claims, Kind, Said, of_images
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept

_SEASONS = ("winter", "spring", "summer", "autumn")
_TROPIC = 23.5


def _make(scenes: Scenes) -> Claims:
    month = scenes.acquired.astype("datetime64[M]").astype(np.int64) % 12 + 1
    season = (month % 12 // 3 + 2 * (scenes.latitude < 0)) % 4
    told = np.isin(scenes.precision, ("minute", "day")) & (abs(scenes.latitude) > _TROPIC)
    return of_images(scenes, season.astype(np.int64)).take(np.flatnonzero(told))


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Read the month from the text of the time, and turn it by half a year in the south."""
    months = [int(text[5:7]) for text in scenes.acquired[claims.image].astype(str)]
    south = 6 * (scenes.latitude[claims.image] < 0)
    north = (np.array(months, np.int64) + south - 1) % 12 + 1
    first = np.array([12, 3, 6, 9])[claims.value]
    return np.asarray((north - first) % 12 < 3)


def _say(concepts: Sequence[Concept], value: int) -> Said:  # noqa: ARG001 - of no concept
    return Said(f"season(image) = {_SEASONS[value]}", {"season": _SEASONS[value]})


_PHRASINGS = ("The image was taken in {season}.", "It is {season}.")
SEASON = Kind("season", _make, _holds, _say, _PHRASINGS)
