"""When an image was taken, from the config or from the file."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from pipeline.errors import InputError

_FORMS = (("%Y", "year"), ("%Y-%m-%d", "day"), ("%Y-%m-%dT%H:%M", "minute"))
_FIRST = 1930
_DIGITS = {"%Y": r"(\d{4})", **dict.fromkeys(("%m", "%d", "%H", "%M"), r"(\d{2})")}
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

    A year or a day stands for its first moment: 2019 is the first of January 2019. Raises
    `ValueError` for anything else, and for a year before 1930 or after the current year.
    """
    for form, precision in _FORMS:
        try:
            time = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        # %m and %d accept one digit as well; only one spelling is allowed
        if time.year >= 1000 and time.strftime(form) == text:
            check(time)
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
            check(time)
            return time.replace(second=0), "minute"
    return None


def from_name(name: str, pattern: str) -> tuple[datetime, str] | None:
    """Give the time in a file's name and its precision; None if the pattern is not found there.

    The pattern has ``%Y``, ``%m``, ``%d``, ``%H`` and ``%M``, and may stand anywhere in the name,
    but not within a longer number. The first place that gives a possible time counts; raises
    `ValueError` if there are places and none does.
    """
    parts = re.split("(%[YmdHM])", pattern)
    digits = "".join(_DIGITS.get(part) or re.escape(part) for part in parts)
    before = r"(?<!\d)" if pattern.startswith("%") else ""
    after = r"(?!\d)" if parts[-1] == "" else ""
    fault: ValueError | None = None
    named = [part for part in parts if part in _DIGITS]
    for found in re.finditer(f"(?={before}{digits}{after})", name):
        try:
            return _put_together(dict(zip(named, found.groups(), strict=True)))
        except ValueError as error:
            fault = fault or error
    if fault is not None:
        raise fault
    return None


def _put_together(values: Mapping[str, str]) -> tuple[datetime, str]:
    if "%m" not in values or "%d" not in values:
        return parse(values["%Y"])
    day = f"{values['%Y']}-{values['%m']}-{values['%d']}"
    if "%H" not in values or "%M" not in values:
        return parse(day)
    return parse(f"{day}T{values['%H']}:{values['%M']}")


def times_in(path: Path) -> dict[str, tuple[datetime, str]]:
    """Read a CSV with the columns ``file`` and ``acquired``; raises `InputError`."""
    times = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            for number, row in enumerate(csv.DictReader(lines), start=2):
                try:
                    times[row["file"].strip()] = parse(row["acquired"].strip())
                except KeyError:
                    raise InputError(f"{path}: has no columns file and acquired.") from None
                except (AttributeError, ValueError) as error:
                    raise InputError(f"{path}, line {number}: {error}.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a CSV ({error}).") from error
    return times


def _with_a_year(pattern: str | None) -> str | None:
    if pattern is not None and pattern.count("%Y") != 1:
        raise ValueError(f"{pattern!r} must name the year once, as in %Y%m%d")
    return pattern


NamePattern = Annotated[str | None, AfterValidator(_with_a_year)]


def check(time: datetime) -> None:
    """Raise `ValueError` for a year in which nobody took the image."""
    if not _FIRST <= time.year <= datetime.now(UTC).year:
        raise ValueError(f"{time.year} is no year in which an image was taken: 1930 to today")
