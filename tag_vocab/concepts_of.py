"""The concepts that an object shows, found by its tags."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from tag_vocab import files
from tag_vocab.concepts import Concept, key_names, rows, split, written
from tag_vocab.deprecated import modernise
from tag_vocab.vocabulary import is_attribute, look_up, split_values

Tag = tuple[str, str]
Kind = Literal["n", "w", "a", "r"]
"""The kind of an object: point, line, area, multipolygon."""

_AREAS = ("a", "r")


class Rule(NamedTuple):
    """The tags that show a concept."""

    tags: frozenset[Tag]
    area_only: bool
    concept: Concept


def concepts_of(tags: Mapping[str, str], kind: Kind) -> list[Concept]:
    """Give the most specific concepts that an object shows, things before attributes.

    ``tags`` are read as captions read them: old spellings as today's, ``a;b`` as two values. The
    rule with more tags goes before the rule with some of them (tennis court before sports pitch),
    and no result is an ancestor of another. Tags that are never visible show no concept, except
    where they tell what a visible thing is (religion). Resolution plays no part: give the tags that
    are visible in the image (`Vocabulary.visible`).
    """
    found = _found(tags, kind)
    kept = [rule for rule in found if not any(rule.tags < other.tags for other in found)]
    concepts = {rule.concept for rule in kept}
    general = frozenset().union(*(one.ancestors for one in concepts))
    ordered = sorted(kept, key=lambda rule: (_attributes_only(rule), rule.concept.name))
    return list(dict.fromkeys(rule.concept for rule in ordered if rule.concept not in general))


def tags_of(concept: Concept) -> list[str]:
    """Give the tags that show a concept of the table, as in ``leisure=pitch + sport=tennis``."""
    return list(_cells().get(concept.name, ()))


def tags_showing(name: str, tags: Mapping[str, str], kind: Kind) -> list[Tag]:
    """Give the tags by which an object shows the concept of a name, or a kind of it.

    ``tags`` are read as `concepts_of` reads them, so of ``a;b`` only the value that shows it.
    """
    shown = [
        rule
        for rule in _found(tags, kind)
        if name in (rule.concept.name, *(one.name for one in rule.concept.ancestors))
    ]
    return list(dict.fromkeys(tag for rule in shown for tag in sorted(rule.tags)))


def _found(tags: Mapping[str, str], kind: Kind) -> list[Rule]:
    return _matches(modernise(tags), kind) or _matches(tags, kind)


def _matches(tags: Mapping[str, str], kind: Kind) -> list[Rule]:
    shown = dict.fromkeys(_single(tags))
    return [
        rule
        for tag in shown
        for rule in (*_rules().get(tag, ()), *_by_key(tag))
        if rule.tags <= shown.keys() and (not rule.area_only or kind in _AREAS)
    ]


def _single(tags: Mapping[str, str]) -> Iterator[Tag]:
    for key, value in tags.items():
        whole = ";" not in value or (key, value) in files.labels()
        yield from ((key, part) for part in ((value,) if whole else split_values(value)))


def _attributes_only(rule: Rule) -> bool:
    return all(is_attribute(key) for key, _ in rule.tags)


def _by_key(tag: Tag) -> tuple[Rule, ...]:
    """Give the rule for a visible value that no concept of the table names."""
    if any(len(rule.tags) == 1 and not rule.area_only for rule in _rules().get(tag, ())):
        return ()
    name = key_names().get(tag[0])
    if name is None or not look_up(*tag).groundable:
        return ()
    return (Rule(frozenset([tag]), False, name.concept(tag[1])),)


@functools.cache
def _cells() -> dict[str, tuple[str, ...]]:
    return {row["concept"]: split(row["tags"]) for _, row in rows()}


@functools.cache
def _rules() -> dict[Tag, tuple[Rule, ...]]:
    """Give the rules by each of their tags."""
    found: dict[Tag, tuple[Rule, ...]] = {}
    for name, cells in _cells().items():
        for cell in cells:
            text, _, area = cell.partition(" @ ")
            pairs = [part.partition("=") for part in text.split(" + ")]
            tags = frozenset((key, value) for key, _, value in pairs)
            if area not in ("", "a") or not all(key and value for key, value in tags):
                raise ValueError(f"tag_vocab/concepts.csv: {name} has a malformed tag {cell!r}.")
            rule = Rule(tags, bool(area), written()[name])
            for tag in tags:
                found[tag] = (*found.get(tag, ()), rule)
    return found
