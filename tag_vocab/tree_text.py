"""What `skyscript vocab tree` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast, get_args

from tag_vocab.concepts import Concept, children, concept, roots
from tag_vocab.concepts_of import Kind, concepts_of, tags_of


def whole_tree() -> str:
    """Give the tree, one concept a line, indented below its first parent."""
    return "\n".join(line for root in roots() for line in _below(root, 0))


def describe(what: Sequence[str], kind: str) -> str:
    """Give the concepts of an object's tags, or of the concept with this name.

    Raises `ValueError` if there is no such concept, or if no tag shows one.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"there is no kind {kind[:20]!r} of object: write n, w, a or r")
    if not any("=" in text for text in what):
        return _card(concept(" ".join(what)))
    pairs = (part.strip().partition("=") for text in what for part in text.split(" + "))
    tags = {key: value for key, _, value in pairs}
    found = concepts_of(tags, cast(Kind, kind))
    if not found:
        words = " + ".join(what)
        shown = words if words.isprintable() else ascii(words)
        raise ValueError(f"{shown[:200]} shows no concept of the tree (kind {kind})")
    return "\n\n".join(map(_card, found))


def _below(one: Concept, depth: int) -> Iterator[str]:
    also = ", ".join(parent.name for parent in one.parents[1:])
    yield f"{'  ' * depth}{one.name}" + (f"  (also: {also})" if also else "")
    for child in children(one):
        if child.parents[0] == one:
            yield from _below(child, depth + 1)


def _card(one: Concept) -> str:
    below = ", ".join(child.name for child in children(one))
    lines = [
        one.name,
        f"  plural    {one.plural}",
        *([f"  synonyms  {', '.join(one.synonyms)}"] if one.synonyms else []),
        *(f"  path      {' < '.join(names)}" for names in _paths(one)),
        *(f"  tags      {tags}" for tags in tags_of(one)),
        *([f"  below     {below}"] if below else []),
    ]
    return "\n".join(lines)


def _paths(one: Concept) -> Iterator[tuple[str, ...]]:
    if not one.parents:
        yield (one.name,)
    for parent in one.parents:
        yield from ((one.name, *names) for names in _paths(parent))
