"""Captions in plain English, within the context of the model that will read them.

a satellite image of a church, surrounded by a cemetery; three houses; a residential street

The object comes first, by the names of the concepts that it shows. Its neighbours follow in groups
of one name, those with the largest share of the image and the rarest first. Groups that do not fit
within ``max_tokens`` are left out. Neighbours are counted where OSM draws each thing once. A group
such as "building" is merged into the more specific names ("church", "house") unless it has more
members than these.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from skyscript.captions.config import CaptionConfig
from skyscript.captions.object_names import (
    ObjectName,
    is_counted,
    name_object,
    number_word,
    with_article,
)
from skyscript.captions.rule import count_caption, join_phrases
from skyscript.captions.tokens import PhraseTokens
from skyscript.files.phrases import AROUND, BETWEEN
from skyscript.osm.tags import Tags
from tag_vocab import Concept, Vocabulary, is_a

_LEAST_SHARE = 0.01
"""Every neighbour weighs as if it covered this much more: points and lines have no share."""
_LINE = "w"
_CACHED = 1 << 15
"""Objects whose name is kept."""


class Neighbour(NamedTuple):
    """A neighbour of the focus object in an image."""

    tags: Tags
    kind: str
    """n, w, a or r, as in the table ``objects``."""
    share: float
    """The part of the image that it covers, 0 to 1."""


class ReadableCaptions(NamedTuple):
    """The two captions of an image, each with its number of tokens."""

    title: str
    title_multi_objects: str
    tokens: int
    tokens_multi_objects: int


@dataclass
class _Group:
    """The neighbours with one name."""

    lead: Concept
    weight: float = 0.0
    members: int = 0
    is_counted: bool = True

    def add(self, name: ObjectName, neighbour: Neighbour) -> None:
        self.weight += (neighbour.share + _LEAST_SHARE) * name.rarity
        self.members += 1
        self.is_counted &= neighbour.kind != _LINE and is_counted(self.lead)

    @property
    def number(self) -> int:
        """Give the number of things that can be seen; 1 if they cannot be counted."""
        return self.members if self.is_counted else 1

    def words(self, focus: Concept) -> str:
        """Give the words of the group: "a church", "three houses", "another house"."""
        if self.lead == focus:
            if self.lead.plural == self.lead.name:
                return ""
            if self.number == 1:
                return f"another {self.lead.name}" if self.is_counted else ""
            return f"{number_word(self.number)} other {self.lead.plural}"
        if self.number == 1:
            return with_article(self.lead)
        return f"{number_word(self.number)} {self.lead.plural}"


class ReadableStyle:
    """Writes readable captions; the names of objects are kept, because most of them recur."""

    def __init__(self, config: CaptionConfig, words: Vocabulary) -> None:
        self._config, self._words = config, words
        self._name = functools.lru_cache(maxsize=_CACHED)(self._make_name)
        self._counts = PhraseTokens()

    def captions(
        self, tags: Tags, kind: str, around: Iterable[Neighbour]
    ) -> ReadableCaptions | None:
        """Give the captions of an image; None if its focus object has no tag to say."""
        name = self._name(tags, kind)
        if name is None:
            return None
        title = [self._fit(name)]
        phrases = self._with_neighbours(title, name.lead, self._groups(name.lead, around))
        return ReadableCaptions(
            join_phrases(title, self._config),
            join_phrases(phrases, self._config),
            self._count(title),
            self._count(phrases),
        )

    def _make_name(self, tags: Tags, kind: str) -> ObjectName | None:
        return name_object(tags, kind, self._words)

    def _count(self, phrases: Sequence[str]) -> int:
        return count_caption(phrases, self._config, self._counts)

    def _fit(self, name: ObjectName) -> str:
        """Give the words of the focus object, without the last ones if they are too long."""
        things, attributes = list(name.things), list(name.attributes)
        while self._count([_object_words(things, attributes)]) > self._config.max_tokens:
            if not attributes and len(things) == 1:
                break
            (attributes or things).pop()
        return _object_words(things, attributes)

    def _groups(self, focus: Concept, around: Iterable[Neighbour]) -> list[_Group]:
        """Give the groups of the neighbours, the weightiest first."""
        groups: dict[Concept, _Group] = {}
        for neighbour in around:
            name = self._name(neighbour.tags, neighbour.kind)
            if name is not None:
                group = groups.setdefault(name.lead, _Group(name.lead))
                group.add(name, neighbour)
        kept = (group for group in groups.values() if not _is_merged(group, focus, groups))
        return sorted(kept, key=lambda group: (-group.weight, group.lead.name))

    def _with_neighbours(
        self, title: list[str], focus: Concept, groups: Sequence[_Group]
    ) -> list[str]:
        """Give the phrases of a caption: the title, then each group that still fits."""
        phrases, total, most = list(title), self._count(title), self._config.max_surrounding
        for group in groups:
            if most is not None and len(phrases) > most:
                break
            words = group.words(focus)
            longer = total + self._counts[BETWEEN if phrases[1:] else AROUND] + self._counts[words]
            if words and longer <= self._config.max_tokens:
                phrases.append(words)
                total = longer
        return phrases


def _is_merged(group: _Group, focus: Concept, groups: dict[Concept, _Group]) -> bool:
    """Tell whether more specific names already say what a group is, and as many of it."""
    specific = sum(
        other.number
        for lead, other in groups.items()
        if lead != group.lead and group.lead in lead.ancestors
    )
    specific += focus != group.lead and is_a(focus, group.lead)
    return group.number <= specific


def _object_words(things: Sequence[Concept], attributes: Sequence[Concept]) -> str:
    first, *rest = things
    named = _listed([with_article(first), *(thing.name for thing in rest)])
    described = _listed([attribute.name for attribute in attributes])
    return f"{named} with {described}" if described else named


def _listed(names: Sequence[str]) -> str:
    """Give names as a list in words: "a stop platform, bench and shelter"."""
    *most, last = names or [""]
    return " and ".join(filter(None, [", ".join(most), last]))
