"""Tag values as numbers and colours; what cannot be read gives the default, never an error."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

Colour = tuple[int, int, int]

_NUMBER = re.compile(
    r"\s*(\d{1,7}(?:[.,]\d{1,4})?)\s*(km|m|ft|feet|'|mi|in|\")?(?![a-z])", re.ASCII
)
_METRES = {"km": 1000.0, "ft": 0.3048, "feet": 0.3048, "'": 0.3048, "mi": 1609.3, "in": 0.0254}
_LONGEST_NAME = 32


def number(tags: Mapping[str, str], key: str, default: float, low: float, high: float) -> float:
    """Give a tag's length in metres (or plain number) if it can be read and lies in low to high."""
    match = _NUMBER.match(tags.get(key, ""))
    if match is None:
        return default
    value = float(match[1].replace(",", ".")) * _METRES.get(match[2] or "m", 1.0)
    return value if low <= value <= high and math.isfinite(value) else default


def first(tags: Mapping[str, str], key: str) -> str:
    """Give the first of a tag's values (``a;b``), in lower case; empty where there is none."""
    return tags.get(key, "").split(";", 1)[0].strip().lower()


def is_set(tags: Mapping[str, str], key: str) -> bool:
    """Say whether a tag is there and does not say no."""
    return tags.get(key, "no") not in ("no", "none", "0", "false", "")


def colour(text: str) -> Colour | None:
    """Give a CSS colour (a name, ``#rgb``, ``#rrggbb``) as RGB; ``None`` where it is none."""
    from PIL import ImageColor

    name = text.strip().lower().replace("_", "").replace(" ", "")
    if not name or len(name) > _LONGEST_NAME:
        return None
    try:
        red, green, blue = ImageColor.getrgb(name)[:3]
    except (ValueError, OverflowError):
        return None
    return (min(max(red, 0), 255), min(max(green, 0), 255), min(max(blue, 0), 255))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Give ``one`` with ``share`` (0 to 1) of ``other``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def brighter(base: Colour, factor: float) -> Colour:
    """Give a colour times a factor, cut off at white."""
    red, green, blue = (min(255, max(0, round(part * factor))) for part in base)
    return (red, green, blue)
