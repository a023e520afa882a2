"""The concepts that a tile can show, all of which stand in the table of concepts.

A thing that only the pattern of a key names (``{} field``) stands for its parents in the table.
Things that are larger than any tile are left out, and so is "roof", which all buildings have.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from skyscript.captions.object_names import things_of
from tag_vocab import Concept, concept, concepts_of, is_a
from tag_vocab.concepts import written
from tag_vocab.concepts_of import Kind

_ON_ALL_BUILDINGS = "roof"
_LARGER_THAN_TILES = (
    *("island", "mountain landform", "plateau", "valley"),
    *("oil field", "oil extraction site", "gas extraction site"),
)


@functools.lru_cache(maxsize=1 << 15)
def _shown(tags: tuple[tuple[str, str], ...], kind: str) -> tuple[Concept, ...]:
    things = things_of(concepts_of(dict(tags), cast(Kind, kind)))
    shown = dict.fromkeys(one for thing in things for one in _in_table(thing))
    return tuple(one for one in shown if not _is_too_large(one))


def things_in_tiles(tags: Mapping[str, str], kind: str) -> tuple[Concept, ...]:
    """Give the things that an object shows in a tile, the most specific first."""
    return _shown(tuple(tags.items()), kind)


@functools.lru_cache(maxsize=1 << 12)
def names_above(name: str) -> frozenset[str]:
    """Give the names of all more general concepts."""
    return frozenset(one.name for one in concept(name).ancestors if _is_used(one))


def with_names_above(things: Iterable[Concept]) -> frozenset[str]:
    """Give the names of some concepts, and of all more general ones."""
    names = frozenset(one.name for one in things)
    return names.union(*map(names_above, names))


@functools.lru_cache(maxsize=1 << 12)
def next_above(name: str) -> tuple[str, ...]:
    """Give the names of the next more general concepts; none of a root."""
    above = (one for parent in concept(name).parents for one in _in_table(parent))
    return tuple(dict.fromkeys(one.name for one in above))


@functools.lru_cache(maxsize=1 << 14)
def is_any(name: str, of: tuple[str, ...]) -> bool:
    """Tell whether a concept is one of several, or a kind of one of them."""
    return any(is_a(concept(name), concept(other)) for other in of)


@functools.lru_cache(maxsize=16)
def with_kin(names: tuple[str, ...]) -> frozenset[str]:
    """Give some concepts with all their kinds, and all that they are kinds of."""
    kinds = (name for name in written() if is_any(name, names))
    return frozenset(kinds).union(*map(names_above, names))


def _in_table(one: Concept) -> Iterator[Concept]:
    if one.name in written():
        if one.name != _ON_ALL_BUILDINGS:
            yield one
        return
    for parent in one.parents:
        yield from _in_table(parent)


def _is_used(one: Concept) -> bool:
    return one.name in written() and one.name != _ON_ALL_BUILDINGS


@functools.lru_cache(maxsize=1 << 12)
def _is_too_large(one: Concept) -> bool:
    return is_any(one.name, _LARGER_THAN_TILES)
