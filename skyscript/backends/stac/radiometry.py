"""What an item says of its assets' bands: which is red, green or blue, their offsets and nodata.

STAC 1.0 says it in ``eo:bands`` and ``raster:bands`` of an asset, STAC 1.1 in its ``bands``, and
what holds for all bands of an asset beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from skyscript.imagery.colours import Triple, sample_offset

_COLOURS = ("red", "green", "blue")
_IN_ORDER = (1, 2, 3)
_SCALE, _OFFSET = "raster:scale", "raster:offset"
"""Properties in STAC 1.1; STAC 1.0 has them without the prefix in ``raster:bands``."""
_ALREADY = ("earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")
"""Properties of an item whose pixels lack the offset already that its assets state."""


class Radiometry(NamedTuple):
    """How an item describes its samples; a field is None if the item does not state it."""

    bands: tuple[int, int, int] | None
    """The numbers of red, green and blue in a single asset; None for three assets."""
    offsets: Triple | None
    """The samples that stand for 0, of red, green and blue."""
    nodata: float | None


def radiometry(
    item: Mapping[str, Any],
    assets: Sequence[Mapping[str, Any]],
    bands: tuple[int, int, int] | None,
) -> Radiometry:
    """Read what an item says of one asset, or of three; ``bands`` are those of the config.

    A broken item may raise any error.
    """
    stated = [_bands(asset) for asset in assets]
    if len(assets) == 1:
        bands = bands or _named(stated[0])
        numbers = bands or _IN_ORDER
        of_colour = [_band(stated[0], number) for number in numbers]
    else:
        bands = None
        of_colour = [_band(each, 1) for each in stated]
    offsets = [_offset(band) for band in of_colour]
    if any(item.get("properties", {}).get(name) is True for name in _ALREADY):
        offsets = [0.0] * len(_COLOURS)
    known = {band["nodata"] for band in of_colour if band.get("nodata") is not None}
    numbers_only = [float(value) for value in known if isinstance(value, int | float)]
    return Radiometry(
        bands,
        None if None in offsets else (offsets[0], offsets[1], offsets[2]),  # type: ignore[arg-type]
        numbers_only[0] if len(known) == 1 and numbers_only else None,
    )


def _bands(asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give what is said of each band, with what is said of all."""
    lists = [asset[name] for name in ("eo:bands", "raster:bands", "bands") if asset.get(name)]
    count = max(map(len, lists), default=1)
    of_all = {name: asset[name] for name in (_SCALE, _OFFSET, "nodata") if name in asset}
    merged = [dict(of_all) for _ in range(count)]
    for stated in lists:
        if len(stated) not in (1, count):
            continue  # nothing says which bands these are
        for number, band in enumerate(merged):
            band |= dict(stated[number if len(stated) == count else 0])
    return merged


def _band(bands: Sequence[dict[str, Any]], number: int) -> dict[str, Any]:
    """Give what is said of a band, counted from 1; of the only one, if only one is described."""
    if len(bands) == 1:
        return bands[0]
    return bands[number - 1] if number <= len(bands) else {}


def _named(bands: Sequence[Mapping[str, Any]]) -> tuple[int, int, int] | None:
    """Give the bands that are called red, green and blue; None if one of them is missing."""
    names = [band.get("eo:common_name") or band.get("common_name") for band in bands]
    if not set(_COLOURS) <= set(names):
        return None
    red, green, blue = (names.index(colour) + 1 for colour in _COLOURS)
    return red, green, blue


def _offset(band: Mapping[str, Any]) -> float | None:
    scale, offset = (
        band.get(name, band.get(name.removeprefix("raster:"))) for name in (_SCALE, _OFFSET)
    )
    if offset is None:
        return None
    return sample_offset(float(1 if scale is None else scale), float(offset))
