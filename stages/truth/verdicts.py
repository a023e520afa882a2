"""The verdict on each concept in an image: yes, no, or unknown with the reason."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import shapely

from skyscript.captions.tile_concepts import is_any, names_above, with_kin
from skyscript.files.truth import NO, YES
from skyscript.geo.tile import Box, mercator_box
from stages.truth.completeness import Completeness
from stages.truth.config import TruthConfig
from stages.truth.tiles import NEARBY, Piece

UNKNOWN = "unknown"
DISAGREE = "the map does not lie on the image"
MAY_BE_ONE = "an object there may be one"
NOT_VISIBLE = "not visible at the image's resolution"
NOT_COMPLETE = "the map is not complete enough"
OVER_EDGE = "the image is not wholly within the extract"
OLD_MAP = "the map was last changed long before the image was taken"
BARE_GROUND = "the map leaves much of the ground bare"

_OPEN_BESIDES = {
    "building": (
        *("shelter", "wildlife hide", "grandstand", "construction site", "houseboat"),
        *("changing room", "pumping station", "pagoda", "amphitheatre", "car wash"),
    ),
    "road": ("construction site", "pedestrian street or area"),
    "railway": ("construction site",),
    "railway station": ("train station building",),
    "water": ("watercourse", "tailings pond", "derelict canal"),
    "swimming pool": ("swimming facility", "bathing place"),
    "car park": ("disused car park",),
    "grassland": ("savanna", "common"),
    "farmland": ("meadow", "tea plantation"),
    "wall": ("noise barrier",),
    "bare ground": ("gravel",),
}
"""What some kinds show and others do not, so that it is no parent: a ditch may hold water."""


class Verdict(NamedTuple):
    """Whether an image shows a concept."""

    concept: str
    verdict: str
    objects: int
    share: float
    completeness: float | None
    reason: str | None


@dataclass
class _Found:
    """The objects of an image that show a concept."""

    enough: int = 0
    share: float = 0.0
    others: int = 0
    reasons: set[str] = field(default_factory=set)


class Image(NamedTuple):
    """The facts about an image that do not come from its objects."""

    box: Box
    is_complete: bool
    """Whether it lies within the bounds of the extract."""
    match: float | None
    acquired: int
    """Seconds since 1970."""


def judge(
    image: Image, pieces: Sequence[Piece], completeness: Completeness, config: TruthConfig
) -> Iterator[Verdict]:
    """Yield the verdict on each concept that the map has in the image or in the cells around."""
    there = _find(pieces)
    may_be = _specific(pieces) | _besides(pieces)
    doubt = _doubt(image, completeness, config)
    covered = functools.cache(lambda: _covered(image.box, pieces))
    disagree = image.match is not None and image.match < config.min_match
    known = completeness.known(image.box) - with_kin(config.never_absent)
    for name in sorted(known.union(there)):
        found = there.get(name, _Found())
        if found.enough:
            shown = UNKNOWN if disagree else YES
            why = DISAGREE if disagree else None
            yield Verdict(name, shown, found.enough, min(1.0, found.share), None, why)
            continue
        measured = round(completeness.of(image.box, name), 4)
        reason = _object_reason(name, found, may_be) or (DISAGREE if disagree else doubt)
        if reason is None and measured < config.min_completeness:
            reason = NOT_COMPLETE
        if reason is None and is_any(name, config.ground) and covered() < config.min_covered:
            reason = BARE_GROUND
        verdict = NO if reason is None else UNKNOWN
        yield Verdict(name, verdict, found.others, 0.0, measured, reason)


def _find(pieces: Iterable[Piece]) -> dict[str, _Found]:
    found: dict[str, _Found] = defaultdict(_Found)
    for piece in pieces:
        for name in piece.known.every | piece.shown.every:
            one = found[name]
            if piece.reason is None and name in piece.shown.every:
                one.enough += 1
                one.share += piece.share
            else:
                one.others += 1
                one.reasons.add(piece.reason or NOT_VISIBLE)
    return found


def _specific(pieces: Iterable[Piece]) -> frozenset[str]:
    """Give the most specific concepts of the objects: a building may be any kind of one."""
    return frozenset().union(*(piece.known.specific for piece in pieces))


def _besides(pieces: Iterable[Piece]) -> frozenset[str]:
    """Give what the objects may show besides their concepts and those above."""
    known = frozenset().union(*(piece.known.every for piece in pieces))
    return frozenset(name for name, kinds in _OPEN_BESIDES.items() if not known.isdisjoint(kinds))


def _object_reason(name: str, found: _Found, may_be: frozenset[str]) -> str | None:
    """Give why an object there leaves it open whether the image shows a concept."""
    inside = found.reasons - {NEARBY}
    if found.reasons:
        return min(inside or found.reasons)
    return None if may_be.isdisjoint({name, *names_above(name)}) else MAY_BE_ONE


def _doubt(image: Image, completeness: Completeness, config: TruthConfig) -> str | None:
    """Give why nothing is called absent in an image."""
    if not image.is_complete:
        return OVER_EDGE
    changed = completeness.changed(image.box)
    if changed is not None and image.acquired - changed > config.max_age * 86_400:
        return OLD_MAP
    return None


def _covered(box: Box, pieces: Iterable[Piece]) -> float:
    """Give the share of an image that areas of the map cover."""
    west, south, east, north = mercator_box(box)
    areas: list[Any] = [piece.area for piece in pieces if piece.area is not None]
    whole = (east - west) * (north - south)
    return float(shapely.area(shapely.union_all(areas))) / whole if areas else 0.0
