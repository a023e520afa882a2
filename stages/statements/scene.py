"""What an image shows, in pixels: the things that statements are made of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import shapely

from skyscript.captions.object_names import with_article
from tag_vocab import Concept, is_a


@dataclass(frozen=True, eq=False)
class Thing:
    """An OSM object in an image."""

    object_id: str
    concepts: tuple[Concept, ...]
    """What it shows, the most specific first; attributes such as a surface are left out."""
    geometry: shapely.Geometry
    """Its part in the image: x and y in pixels from the top left corner, y downwards."""

    @property
    def name(self) -> Concept:
        """Give the concept that names it."""
        return self.concepts[0]

    @functools.cached_property
    def box(self) -> tuple[float, ...]:
        """Give its left, top, right and bottom in pixels."""
        return tuple(shapely.bounds(self.geometry).tolist())

    @functools.cached_property
    def is_area(self) -> bool:
        """Tell whether it is an area, and no line or point."""
        return bool(shapely.get_dimensions(self.geometry) == 2)

    @functools.cached_property
    def is_line(self) -> bool:
        """Tell whether it is a line."""
        return bool(shapely.get_dimensions(self.geometry) == 1)

    @functools.cached_property
    def _kinds(self) -> frozenset[str]:
        above = (other.name for one in self.concepts for other in one.ancestors)
        return frozenset(one.name for one in self.concepts).union(above)

    def shows(self, concept: Concept) -> bool:
        """Tell whether it is a thing of a concept."""
        return concept.name in self._kinds

    def may_lie_in(self, other: Thing) -> bool:
        """Tell whether its box lies within another's, to a pixel; quick."""
        (left, top, right, bottom), (west, north, east, south) = self.box, other.box
        return left > west - 1 and top > north - 1 and right < east + 1 and bottom < south + 1

    def is_far_from(self, other: Thing, pixels: float) -> bool:
        """Tell whether their boxes are more than so many pixels apart; quick."""
        (left, top, right, bottom), (west, north, east, south) = self.box, other.box
        across, down = max(west - right, left - east), max(north - bottom, top - south)
        return max(across, down) > pixels


@dataclass(frozen=True)
class Scene:
    """The things that are visible in an image, the focus object first. North is up."""

    object_id: str
    width: int
    height: int
    is_complete: bool
    """Whether the image lies within the bounds of the OSM extract, so that no object is missing."""
    things: tuple[Thing, ...]

    @functools.cached_property
    def names(self) -> tuple[Concept, ...]:
        """Give the names of the things, each once."""
        return tuple(dict.fromkeys(thing.name for thing in self.things))

    def showing(self, concept: Concept) -> tuple[Thing, ...]:
        """Give the things of a concept."""
        return tuple(thing for thing in self.things if thing.shows(concept))


class Claim(NamedTuple):
    """What a statement says, before it is put into words."""

    text: str
    """The claim in a formal notation: ``count(tennis court) = 3``. Each kind defines its own."""
    words: dict[str, str]
    """What the phrasings fill in, by name."""
    things: tuple[Thing, ...]
    """The things that it rests on."""


@dataclass(frozen=True)
class Kind:
    """A kind of statement."""

    name: str
    make: Callable[[Scene], Iterator[Claim]]
    """Gives the claims on a scene, in an order that only the scene decides."""
    holds: Callable[[Claim, Scene], bool]
    """Tells whether a claim is true: a check that does not use the way in which it was made."""
    phrasings: tuple[str, ...]
    """The sentences that say it; each names the words of the claim in braces."""


def name_both(one: Thing, other: Thing) -> dict[str, str]:
    """Give the words of two things: one as ``a``, or ``A`` at the start, the other as ``b``."""
    a, b = with_article(one.name), with_article(other.name)
    return {"a": a, "A": a[0].upper() + a[1:], "b": b}


@functools.lru_cache(maxsize=1 << 16)
def differ(one: Concept, other: Concept) -> bool:
    """Tell whether two concepts are different kinds of things, neither a kind of the other."""
    return not (is_a(one, other) or is_a(other, one))
