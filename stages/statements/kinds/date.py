"""The date, as in "The image was taken in July 2022".

``date(image) = 2022-07``: the month of acquisition, if it is known to the day; else the year, if it
is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from stages.statements.claims import Claims, Kind, Said, of_images
from stages.statements.scenes import Bools, Scenes
from tag_vocab import Concept


def _make(scenes: Scenes) -> Claims:
    months = scenes.acquired.astype("datetime64[M]").astype(np.int64)
    to_day, to_year = (np.isin(scenes.precision, known) for known in (("minute", "day"), ("year",)))
    said = np.where(to_day, months * 2, months // 12 * 12 * 2 + 1)
    return of_images(scenes, said).take(np.flatnonzero(to_day | to_year))


def _holds(claims: Claims, scenes: Scenes) -> Bools:
    """Compare it with the text of the time of acquisition."""
    texts = scenes.acquired[claims.image].astype(str)
    said = [_text(value) for value in claims.value.tolist()]
    return np.array([text.startswith(one) for text, one in zip(texts, said, strict=True)], bool)


def _text(value: int) -> str:
    months, to_year = divmod(value, 2)
    year, month = 1970 + months // 12, months % 12 + 1
    return f"{year}" if to_year else f"{year}-{month:02}"


def _say(concepts: Sequence[Concept], value: int) -> Said:  # noqa: ARG001 - of no concept
    text = _text(value)
    when = text if len(text) == 4 else date.fromisoformat(f"{text}-01").strftime("%B %Y")
    return Said(f"date(image) = {text}", {"when": when})


DATE = Kind("date", _make, _holds, _say, ("The image was taken in {when}.", "Taken in {when}."))
