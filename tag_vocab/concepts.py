"""The tree of concepts: what a tag shows, in plain words, from "tennis court" up to its root.

``concepts.csv`` holds the concepts that are written by hand: concept (its plain name), plural
(empty if regular), synonyms, parents (none: a root) and the tags that show it. A bar separates
several. Tags of one object are joined by a plus; ``@ a`` holds for areas only. An image that shows
the child shows the parent: the child is a kind of it, a part of it (golf green, golf course) or
seen only on it (roof shape, roof). ``concept_keys.csv`` names all other visible values of a key:
``{}`` is the value ("asphalt surface"). Both tables are our own.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tag_vocab import files

SEPARATOR = " | "
_HEAD_ENDS = re.compile(r" (?:of|on|in|under|with|for|from|that|by|at|marked|the|across|along)\b")
_SIBILANT = re.compile(r"(?:ss|us|x|z|ch|sh)$")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")
_NAME_SPACES = str.maketrans("_:", "  ")


@dataclass(frozen=True)
class Concept:
    """A kind of thing. Two concepts are equal if their names are."""

    name: str
    """Its plain English name in the singular, as in "tennis court"."""
    plural: str = field(compare=False)
    synonyms: tuple[str, ...] = field(compare=False)
    """Other names in the singular."""
    parents: tuple[Concept, ...] = field(compare=False, repr=False)
    """The next more general concepts; none for a root."""

    @functools.cached_property
    def ancestors(self) -> frozenset[Concept]:
        """Give all more general concepts, up to the roots."""
        return frozenset(self.parents).union(*(parent.ancestors for parent in self.parents))

    @functools.cached_property
    def roots(self) -> tuple[Concept, ...]:
        """Give the most general concepts; a root gives itself."""
        if not self.parents:
            return (self,)
        return tuple(dict.fromkeys(root for parent in self.parents for root in parent.roots))


def is_a(one: Concept, other: Concept) -> bool:
    """Tell whether an image that shows a concept shows another: the same, or an ancestor."""
    return one == other or other in one.ancestors


def concept(name: str) -> Concept:
    """Give the concept of a name, a plural or a synonym; case makes no difference.

    Raises `ValueError`, with the nearest name, if there is none.
    """
    found = _by_any_name().get(name.casefold())
    if found is None:
        near = difflib.get_close_matches(name.casefold(), _by_any_name(), 1)
        hint = f"; did you mean {_by_any_name()[near[0]].name!r}?" if near else ""
        raise ValueError(f"there is no concept {name[:60]!r}{hint}")
    return found


def rows() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (where, row) of concepts.csv."""
    yield from files.shipped_rows("concepts.csv", "concept,plural,synonyms,parents,tags")


class _Maker:
    """Makes the concepts of concepts.csv, each after its parents."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, dict[str, str]]] = {}
        self.made: dict[str, Concept] = {}
        for where, row in rows():
            name = row["concept"]
            if not name or name in self._rows:
                raise ValueError(f"{where}: the concept {name!r} is empty or comes twice.")
            self._rows[name] = where, row

    def make_all(self) -> dict[str, Concept]:
        """Give the concepts by name, in the order of the file."""
        return {name: self._make(name, ()) for name in self._rows}

    def _make(self, name: str, below: tuple[str, ...]) -> Concept:
        if name in self.made:
            return self.made[name]
        if name not in self._rows:  # "tennis facility", which a key names
            return self._named_by_key(name, below)
        where, row = self._rows[name]
        if name in below:
            raise ValueError(f"{where}: {name} is its own ancestor.")
        parents = tuple(self._make(parent, (*below, name)) for parent in split(row["parents"]))
        plural = row["plural"] or plural_of(name)
        self.made[name] = Concept(name, plural, split(row["synonyms"]), parents)
        return self.made[name]

    def _named_by_key(self, name: str, below: tuple[str, ...]) -> Concept:
        for rule in key_names().values():
            if rule.names(name):
                return Concept(name, plural_of(name), (), (self._make(rule.parent, below),))
        raise ValueError(f"tag_vocab/concepts.csv: {below[-1]} has an unknown parent {name!r}.")


@functools.cache
def written() -> dict[str, Concept]:
    """Give the concepts of concepts.csv by name, in the order of the file."""
    return _Maker().make_all()


@dataclass(frozen=True)
class KeyName:
    """How the values of a key are named that no concept of the table names."""

    pattern: str
    parent: str
    countable: bool

    def name(self, value: str) -> str:
        """Give the name of the concept of a value."""
        words = value.translate(_NAME_SPACES).replace(";", " and ")
        return " ".join(self.pattern.replace("{}", words).split())

    def names(self, name: str) -> bool:
        """Tell whether a name can be one of this key."""
        before, blank, after = self.pattern.partition("{}")
        return bool(blank) and name.startswith(before) and name.endswith(after)

    def concept(self, value: str) -> Concept:
        """Give the concept of a value: of the table if it has that name, else a new one."""
        name = self.name(value)
        known = written().get(name)
        plural = plural_of(name) if self.countable else name
        return known or Concept(name, plural, (), (written()[self.parent],))


@functools.cache
def key_names() -> dict[str, KeyName]:
    """Give the names of concept_keys.csv by key."""
    return {
        row["key"]: KeyName(row["name"], row["parent"], row["countable"] == "yes")
        for _, row in files.shipped_rows("concept_keys.csv", "key,name,parent,countable")
    }


def plural_of(name: str) -> str:
    """Give the regular plural of a name: of its head, the word before ``of``, ``with`` and such."""
    end = _HEAD_ENDS.search(name)
    head, rest = (name[: end.start()], name[end.start() :]) if end else (name, "")
    if head.endswith("s") and not _SIBILANT.search(head):  # steps, trees: a plural already
        return name
    if _SIBILANT.search(head):
        return f"{head}es{rest}"
    return f"{head[:-1]}ies{rest}" if _CONSONANT_Y.search(head) else f"{head}s{rest}"


def split(cell: str) -> tuple[str, ...]:
    """Give the entries of a cell."""
    return tuple(cell.split(SEPARATOR)) if cell else ()


def roots() -> tuple[Concept, ...]:
    """Give the roots of the tree, in the order of the file."""
    return tuple(one for one in written().values() if not one.parents)


def children(of: Concept) -> Iterator[Concept]:
    """Yield the concepts of the table that have a concept as a parent, in the order of the file."""
    yield from (one for one in written().values() if of in one.parents)


@functools.cache
def _by_any_name() -> dict[str, Concept]:
    found: dict[str, Concept] = {}
    for names in ("name", "plural", "synonyms"):  # a name goes before another's synonym
        for one in written().values():
            given = getattr(one, names)
            for name in given if isinstance(given, tuple) else (given,):
                found.setdefault(name.casefold(), one)
    return found
