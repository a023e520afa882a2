"""When an image was taken, from the config or from the file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BeforeValidator

_FORMS = (("%Y", "year"), ("%Y-%m-%d", "day"), ("%Y-%m-%dT%H:%M", "minute"))
_FILE_FORMS = ("%Y:%m:%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_FILE_TAGS = ("ACQUISITIONDATETIME", "TIFFTAG_DATETIME")
"""GDAL's name for the time in satellite products, then the TIFF's own. Some programs write the time
of processing into the second; the config's ``acquired`` corrects it."""


def _canonical(value: object) -> object:
    """Turn a year, date or time, as YAML reads it, into its text."""
    if isinstance(value, datetime):
        in_utc = value if value.tzinfo is None else value.astimezone(UTC)
        return in_utc.strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        value = str(value)
    if isinstance(value, str):
        parse(value)
    return value


Acquired = Annotated[str, BeforeValidator(_canonical)]
"""A year, a day or a minute (UTC): ``2019``, ``2019-07-14``, ``2019-07-14T10:30``."""


def parse(text: str) -> tuple[datetime, str]:
    """Give the time that a text names and its precision: ``year``, ``day`` or ``minute``.

    A year or a day stands for its first moment: 2019 is the first of January 2019.
    """
    for form, precision in _FORMS:
        try:
            time = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        # %m and %d accept one digit as well; only one spelling is allowed
        if time.year >= 1000 and time.strftime(form) == text:
            return time, precision
    raise ValueError(f"{text!r} is no time: write 2019, 2019-07-14 or 2019-07-14T10:30 (UTC)")


def from_file(tags: Mapping[str, str]) -> tuple[datetime, str] | None:
    """Give the time in a raster's own tags, to the minute; None if they have none."""
    for name in _FILE_TAGS:
        for form in _FILE_FORMS:
            try:
                time = datetime.strptime(tags.get(name, "").strip(), form).replace(tzinfo=UTC)
            except ValueError:
                continue
            return time.replace(second=0), "minute"
    return None
