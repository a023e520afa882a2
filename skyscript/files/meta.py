"""The published meta file: a pickle an image, written the same way every time and read safely.

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
"""Of a meta file: room for about 50,000 neighbours; the published ones hold some hundreds."""
MAX_TAGS = 200_000
"""In a meta file, each mention counted: a small file can name one large dict many times."""

Tags = dict[str, str]
_KEYS = ("box", "time", "center_tags", "surrounding_tags")
_FIRST_YEAR = 1900


class Meta(NamedTuple):
    """What a meta file says of its image."""

    box: Box
    """In degrees."""
    time: tuple[int, int, int, int, int]
    """Year, month, day, hour and minute of the acquisition, UTC."""
    center_tags: Tags
    """Of the focus object, only what can be seen at the image's resolution."""
    surrounding_tags: list[Tags]
    """Likewise of each other object in the image."""


def dump_meta(meta: Meta) -> bytes:
    """Give the published file: equal metas give equal bytes."""
    value = {
        "box": tuple(float(edge) for edge in meta.box),
        "time": tuple(int(part) for part in meta.time),
        "center_tags": dict(meta.center_tags),
        "surrounding_tags": [dict(tags) for tags in meta.surrounding_tags],
    }
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol=4)
    # Without a memo: with one, the bytes tell which equal strings were one object in memory.
    pickler.fast = True
    pickler.dump(value)
    return file.getvalue()


def load_meta(data: bytes, where: str) -> Meta:
    """Give what a meta file holds, or raise `InputError`; never runs code the file names.

    ``where`` names the file in the error. Keys beyond the four are passed over where their values
    are plain too.
    """
    try:
        if len(data) > MAX_BYTES:
            raise NotPlainError(f"is larger than {MAX_BYTES >> 20} MiB")
        return _meta(loads(data))
    except NotPlainError as error:
        raise InputError(f"{where}: {error}.") from error


def _meta(value: object) -> Meta:
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
    return Meta(_box(value["box"]), _time(value["time"]), center, around)


def _check_tags(tags: object, name: str, left: int) -> int:
    """Check one object's tags and give how many more the file may name."""
    if type(tags) is not dict:
        raise NotPlainError(f"has {type(tags).__name__} in {name} where a dict of tags belongs")
    if len(tags) > left:
        raise NotPlainError(f"names more than {MAX_TAGS} tags")
    for key, value in tags.items():
        if type(key) is not str or type(value) is not str:
            kinds = f"{type(key).__name__} and {type(value).__name__}"
            raise NotPlainError(f"has a tag of {kinds} in {name}, not of two texts")
    return left - len(tags) - 1


def _box(value: object) -> Box:
    numbers = _numbers(value, "box", 4, (float, int))
    west, south, east, north = numbers
    # Comparisons with NaN are false, so it is refused too.
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise NotPlainError(
            "has a box that is not (west, south, east, north) in degrees with west < east and "
            "south < north"
        )
    return Box(float(west), float(south), float(east), float(north))


def _time(value: object) -> tuple[int, int, int, int, int]:
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
