"""What an object shows by its tags, and how large that is."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

from skyscript.captions.tile_concepts import things_in_tiles, with_names_above
from skyscript.osm.tags import Tags
from tag_vocab import Vocabulary
from tag_vocab.files import ANY
from tag_vocab.sizes import PIXELS, Size, sizes

_POINT = Size("compact", 5.0)


class Showing(NamedTuple):
    """The concepts of an object."""

    specific: frozenset[str]
    """The most specific ones."""
    every: frozenset[str]
    """These, and all more general ones."""
    size: Size
    """The largest of the sizes of its tags: how much must be seen."""


NOTHING = Showing(frozenset(), frozenset(), _POINT)


@functools.lru_cache(maxsize=1 << 15)
def showing(kind: str, tags: Tags) -> Showing:
    """Give what an object with some visible tags shows: the things in a tile."""
    shown = things_in_tiles(dict(tags), kind)
    if not shown:
        return NOTHING
    specific = frozenset(one.name for one in shown)
    return Showing(specific, with_names_above(shown), _size(dict(tags)))


def _size(tags: Mapping[str, str]) -> Size:
    known = (sizes().get((key, part)) for key, value in tags.items() for part in value.split(";"))
    others = (sizes().get((key, ANY)) for key in tags)
    found = [size for size in (*known, *others) if size is not None]
    return max(found, key=lambda size: (size.metres, PIXELS[size.kind]), default=_POINT)


def at_any_gsd(kind: str, tags: Tags, words: Vocabulary) -> Showing:
    """Give what of an object would be visible if no image were too coarse for it."""
    return showing(kind, tuple(words.visible(dict(tags), 0.0).items()))
