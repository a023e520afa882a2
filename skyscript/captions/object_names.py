"""The plain English name of an object, made from the concepts that it shows."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import tag_vocab
from skyscript.osm.tags import Tags
from tag_vocab import Concept, Vocabulary, concepts_of, files, is_a
from tag_vocab.concepts import plural_of
from tag_vocab.concepts_of import Kind
from tag_vocab.vocabulary import is_attribute, join_values

_OF_A_THING = ("surface", "roof shape", "roof covering", "roof colour", "roof orientation")
"""The concepts whose kinds describe a thing and are none."""
_COUNTED = (
    "building",
    "movable structure",
    "tree",
    "pond",
    "lake",
    "leisure place",
    "power facility",
    "technical structure",
    "tall structure",
    "monument or memorial or artwork",
    "outdoor furniture",
    "vehicle",
    "vehicle area",
    "road crossing",
    "bus stop",
)
"""The concepts whose objects OSM draws one by one, so that their number can be seen. A road, a
forest or a wall is often drawn in several pieces."""
_NOT_COUNTED = ("part of a building", "roof", "power line", "pipeline")
_TWO_TO_TWELVE = "two three four five six seven eight nine ten eleven twelve"
_SAID_WITH_A = ("uni", "use", "util", "eu", "one-")
"""The starts of words whose first letter is a vowel, but not their first sound."""


class ObjectName(NamedTuple):
    """What an object shows, the most important first."""

    things: tuple[Concept, ...]
    attributes: tuple[Concept, ...]
    rarity: float
    """Bits: 10 if one tag in 1,000 is as frequent as the rarest of the object's."""

    @property
    def lead(self) -> Concept:
        """Give the thing that names the object among others."""
        return self.things[0]


def name_object(tags: Tags, kind: str, words: Vocabulary) -> ObjectName | None:
    """Give the name of an object; None without a tag to say.

    ``tags`` are those that are visible in the image, ``kind`` is that of the table ``objects``. The
    user's own words for a tag go before the concepts. A tag without a concept is named by its
    phrase in published captions.
    """
    said = words.caption_tags(dict(tags))
    if not said:
        return None
    own = [_as_concept(words.phrase(*tag)) for tag in said if _is_own(tag, words)]
    shown = concepts_of(join_values(said), cast(Kind, kind))
    things = [*own, *things_of(shown)]
    phrases = (words.phrase(*tag) for tag in tag_vocab.most_frequent_first(said))
    fallback = [Concept(text, text, (), ()) for text in phrases if text][:1]
    if not (things or fallback):
        return None
    attributes = tuple(one for one in shown if not is_thing(one))
    return ObjectName(tuple(things or fallback), attributes, _rarity(said))


def things_of(concepts: Sequence[Concept]) -> list[Concept]:
    """Give the concepts of an object that are things, the most specific first."""
    return sorted(filter(is_thing, concepts), key=_specific_first)


def verb_of(one: Concept, of_one: str, of_many: str) -> str:
    """Give the verb for a single thing: that of many if its name is a plural: school grounds."""
    return of_many if one.plural == plural_of(one.name) == one.name else of_one


def with_article(one: Concept) -> str:
    """Give the name of a single thing: "a church", "an orchard", "grass"."""
    if one.plural == one.name:
        return one.name
    vowel = one.name[:1].lower() in set("aeiou") and not one.name.startswith(_SAID_WITH_A)
    return f"{'an' if vowel else 'a'} {one.name}"


def number_word(number: int) -> str:
    """Give a number from two on, in words up to twelve."""
    return dict(enumerate(_TWO_TO_TWELVE.split(), 2)).get(number, str(number))


@functools.cache
def is_counted(one: Concept) -> bool:
    """Tell whether the number of things of a concept can be seen, where OSM draws each once."""
    of, without = (
        [tag_vocab.concept(name) for name in names] for names in (_COUNTED, _NOT_COUNTED)
    )
    countable = one.plural != one.name
    return countable and _is_any(one, of) and not _is_any(one, without)


def _is_any(one: Concept, of: Sequence[Concept]) -> bool:
    return any(is_a(one, other) for other in of)


@functools.cache
def is_thing(one: Concept) -> bool:
    """Tell whether things are of a concept, and it does not only describe them, as a surface."""
    return not _is_any(one, [tag_vocab.concept(name) for name in _OF_A_THING])


def _specific_first(one: Concept) -> tuple[int, int, str]:
    return -len(one.ancestors), len(one.name), one.name


def _is_own(tag: tuple[str, str], words: Vocabulary) -> bool:
    return words.phrase(*tag) != tag_vocab.phrase(*tag)


def _as_concept(text: str) -> Concept:
    name = " ".join(text.split())
    return Concept(name, plural_of(name), (), ())


def _rarity(tags: Sequence[tuple[str, str]]) -> float:
    things = [tag for tag in tags if not is_attribute(tag[0])] or tags
    rarest = min(files.frequency().get(tag, 1) for tag in things)
    return math.log2(_all_tags() / max(rarest, 1))


@functools.cache
def _all_tags() -> int:
    return sum(files.frequency().values())
