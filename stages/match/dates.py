"""The days from the capture of an image to the last map edit of its object, and to its building."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypedDict

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


class DateGaps(TypedDict):
    """The columns on dates of the table ``match``."""

    changed: datetime | None
    date_gap_days: int | None
    built_gap_days: int | None


def date_gaps(tags: Mapping[str, str], changed: datetime | None, acquired: datetime) -> DateGaps:
    """Give the dates of an object with these tags, beside those of its image.

    Positive days are days after the capture. A ``start_date`` of a year or a month counts from its
    first day; one in other words (``C19``, ``~1880``) is not used.
    """
    built = _start_date(tags.get("start_date", ""))
    return {
        "changed": changed,
        "date_gap_days": (changed - acquired).days if changed else None,
        "built_gap_days": (built - acquired).days if built else None,
    }


def _start_date(text: str) -> datetime | None:
    parts = _DATE.fullmatch(text.strip())
    if parts is None:
        return None
    year, month, day = (int(part or 1) for part in parts.groups())
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
