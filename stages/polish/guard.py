"""Checks a text against the tags that it was made from. A text that says more is refused.

Each visible tag must be said, by its value or by a name of a concept that it shows. No other thing
of the vocabulary may be named, except a more general name of the same thing. Numbers must be those
of the tags. The text must be one short English sentence that does not speak of the image.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from skyscript.captions.object_names import number_word
from skyscript.osm.tags import Tags
from tag_vocab import Concept, concepts_of
from tag_vocab.concepts import plural_of, written
from tag_vocab.vocabulary import join_values

_WORD = re.compile(r"[^\W_]+")
_NUMBER_WORDS = {number_word(number): str(number) for number in range(2, 13)}
_MOST_WORDS, _MORE_WORDS = 10, 8
"""The most words of a text: for the sentence, and for each tag."""
_OF_THE_IMAGE = frozenset(
    {"image", "images", "photo", "photograph", "picture", "satellite", "view"}
)
_FOREIGN = frozenset(
    {"der", "die", "das", "und", "ein", "eine", "mit", "une", "avec", "dans", "les", "des", "el"}
    | {"los", "las", "con", "una", "il", "della", "nel", "een", "het", "van", "och", "med"}
)
"""Words of other languages that no short English sentence needs."""
_IGNORED = frozenset({"yes", "of", "and", "the"})


def problem_of(text: str, tags: Tags, kind: str) -> str | None:
    """Say what is wrong with a text about an object with some tags; None if nothing is."""
    words = _words(text)
    given = _words(" ".join(f"{key} {value}" for key, value in tags))
    if not 1 <= len(words) <= _MOST_WORDS + _MORE_WORDS * len(tags):
        return "it is too long, or empty"
    if any(mark in text for mark in "\n\r{}[]<>*#|`"):
        return "it is not one plain sentence"
    if not text.isascii() or (_FOREIGN & set(words)) - set(given):
        return "it is not plain English"
    if about := (_OF_THE_IMAGE & set(words)) - set(given):
        return f"it speaks of the {min(about)}"
    if _numbers(words) != _numbers(given):
        return "it changes a number"
    for tag in tags:
        if not any(_says(words, name) for name in _names(tag, tags, kind)):
            return f"it does not say {'='.join(tag)}"
    if new := _new_thing(words, given, tags, kind):
        return f"it names a {new}, which no tag says"
    return None


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _numbers(words: list[str]) -> set[str]:
    numbers = (_NUMBER_WORDS.get(word, word) for word in words)
    return {number for number in numbers if number.isdigit()}


def _says(words: list[str], name: str) -> bool:
    """Tell whether all words of a name are said, in the singular or the plural."""
    said = {_NUMBER_WORDS.get(word, word) for word in words}
    parts = [part for part in _words(name) if part not in _IGNORED]
    return all(part in said or plural_of(part) in said for part in parts)


def _names(tag: tuple[str, str], tags: Tags, kind: str) -> Iterator[str]:
    """Yield the names by which a text may say a tag: words of it, and names of its concepts."""
    key, value = tag
    yield key if value == "yes" else value
    without = _concepts(tuple(other for other in tags if other != tag), kind)
    for concept in (*_concepts((tag,), kind), *_concepts(tags, kind)):
        if concept not in without:
            yield from _all_names(concept)


@functools.lru_cache(maxsize=1 << 13)
def _concepts(tags: Tags, kind: str) -> tuple[Concept, ...]:
    return tuple(concepts_of(join_values(tags), kind))  # type: ignore[arg-type] # the letter of an id


def _all_names(concept: Concept) -> tuple[str, ...]:
    plurals = tuple(plural_of(name) for name in concept.synonyms)
    return (concept.name, concept.plural, *concept.synonyms, *plurals)


def _new_thing(words: list[str], given: list[str], tags: Tags, kind: str) -> str | None:
    """Give the name of a thing that a text names but no tag shows."""
    own = {one for tag in tags for one in _concepts((tag,), kind)}
    own |= set(_concepts(tags, kind))
    allowed = own.union(*(concept.ancestors for concept in own))
    known, longest = _known_names()
    place = 0
    while place < len(words):
        for count in range(min(longest, len(words) - place), 0, -1):
            name = tuple(words[place : place + count])
            meant = known.get(name)
            if meant is None:
                continue
            if not allowed & meant and not set(name) <= set(given):
                return " ".join(name)
            place += count - 1  # the words of a longer name are no names of their own
            break
        place += 1
    return None


@functools.cache
def _known_names() -> tuple[dict[tuple[str, ...], frozenset[Concept]], int]:
    """Give the concepts of each name as words, and the number of words of the longest name."""
    known: dict[tuple[str, ...], frozenset[Concept]] = {}
    for concept in written().values():
        for name in _all_names(concept):
            words = tuple(_words(name))
            known[words] = known.get(words, frozenset()) | {concept}
    return known, max(map(len, known))
