"""The published meta file: one pickle for each image, with reproducible bytes, read safely.

A file holds a dict with exactly four keys: ``box`` (west, south, east, north) in degrees, ``time``
(year, month, day, hour, minute) in UTC, ``center_tags`` key -> value of the focus object, and
``surrounding_tags``, a list of such dicts, one for each other object in the image.
"""

from __future__ import annotations

import io
import pickle
from datetime import datetime
from typing import NamedTuple

from pipeline.errors import InputError
from skyscript.files.plain_pickle import NotPlainError, loads
from skyscript.geo.tile import Box

MAX_BYTES = 2 << 20
"""Maximum size of a meta file: about 50,000 neighbours. Published files have some hundreds."""
MAX_TAGS = 200_000
"""Maximum number of tags in a meta file. A dict that the file names twice counts twice."""

Tags = dict[str, str]
_KEYS = ("box", "time", "center_tags", "surrounding_tags")
_FIRST_YEAR = 1900


class Meta(NamedTuple):
    """The content of a meta file."""

    box: Box
    """In degrees."""
    time: tuple[int, int, int, int, int]
    """Year, month, day, hour and minute of the acquisition, UTC."""
    center_tags: Tags
    """Tags of the focus object that are visible at the image's resolution."""
    surrounding_tags: list[Tags]
    """Visible tags of each other object in the image."""


def dump_meta(meta: Meta) -> bytes:
    """Give the bytes of the published file; equal metas give equal bytes."""
    value = {
        "box": tuple(float(edge) for edge in meta.box),
        "time": tuple(int(part) for part in meta.time),
        "center_tags": dict(meta.center_tags),
        "surrounding_tags": [dict(tags) for tags in meta.surrounding_tags],
    }
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol=4)
    # No memo: with a memo, the bytes depend on which equal strings are the same Python object.
    pickler.fast = True
    pickler.dump(value)
    return file.getvalue()


def load_meta(data: bytes, where: str) -> Meta:
    """Give the content of a meta file, or raise `InputError`. Never runs code from the file.

    ``where`` names the file in the error. Other keys are ignored if their values are plain.
    """
    try:
        if len(data) > MAX_BYTES:
            raise NotPlainError(f"is larger than {MAX_BYTES >> 20} MiB")
        return _parse_meta(loads(data))
    except NotPlainError as error:
        raise InputError(f"{where}: {error}.") from error


def _parse_meta(value: object) -> Meta:
    if type(value) is not dict:
        raise NotPlainError(f"holds a {type(value).__name__}, not the dict of a meta file")
    missing = [key for key in _KEYS if key not in value]
    if missing:
        raise NotPlainError(f"has no {', '.join(missing)}")
    center, around = value["center_tags"], value["surrounding_tags"]
    if type(around) is not list:
        raise NotPlainError(f"has surrounding_tags of type {type(around).__name__}, not list")
    left = _check_tags(center, "center_tags", MAX_TAGS)
    for tags in around:
        left = _check_tags(tags, "surrounding_tags", left)
    return Meta(_parse_box(value["box"]), _parse_time(value["time"]), center, around)


def _check_tags(tags: object, name: str, left: int) -> int:
    """Check the tags of one object; give how many more tags the file may contain."""
    if type(tags) is not dict:
        raise NotPlainError(f"has {type(tags).__name__} in {name} where a dict of tags belongs")
    if len(tags) > left:
        raise NotPlainError(f"names more than {MAX_TAGS} tags")
    for key, value in tags.items():
        if type(key) is not str or type(value) is not str:
            kinds = f"{type(key).__name__} and {type(value).__name__}"
            raise NotPlainError(f"has a tag of {kinds} in {name}, not of two texts")
    return left - len(tags) - 1


def _parse_box(value: object) -> Box:
    west, south, east, north = _numbers(value, "box", 4, (float, int))
    # Comparisons with NaN are false, so NaN is rejected too.
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise NotPlainError(
            "has a box that is not (west, south, east, north) in degrees with west < east and "
            "south < north"
        )
    return Box(float(west), float(south), float(east), float(north))


def _parse_time(value: object) -> tuple[int, int, int, int, int]:
    year, month, day, hour, minute = _numbers(value, "time", 5, (int,))
    time = (int(year), int(month), int(day), int(hour), int(minute))
    try:
        valid = datetime(*time).year >= _FIRST_YEAR  # noqa: DTZ001 - only the ranges are checked
    except (ValueError, OverflowError):
        valid = False
    if not valid:
        raise NotPlainError("has a time that is not a (year, month, day, hour, minute)")
    return time


def _numbers(value: object, name: str, count: int, kinds: tuple[type, ...]) -> list[float]:
    if not isinstance(value, tuple | list) or len(value) != count:
        raise NotPlainError(f"has a {name} that is not a tuple of {count} numbers")
    if any(type(number) not in kinds for number in value):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise NotPlainError(f"has a {name} whose values are not {wanted}")
    return list(value)
