"""Claims on the images of a shard, as columns, and the kinds of statements that make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from skyscript.captions.object_names import verb_of, with_article
from skyscript.ragged import counted, counted_in
from stages.statements.scenes import Bools, Groups, Ints, Scenes, once
from tag_vocab import Concept

NO_CONCEPT = -1
VALUE = "\0"
"""Stands for a value in a text, see `Kind.texts`."""


class Claims(NamedTuple):
    """What statements say, before it is put into words: a row a claim."""

    image: Ints
    one: Ints
    """The number of the concept that it is about; -1 if it is about the whole image."""
    other: Ints
    """The number of the second concept that it is about; -1 if there is none."""
    value: Ints
    """What it says of them; each kind defines its own."""
    things: Ints
    """The things that it rests on, those of the first claim first."""
    sizes: Ints
    """The number of things of each claim."""

    @classmethod
    def join(cls, claims: Sequence[Claims]) -> Claims:
        """Join the claims of several kinds."""
        return cls(*map(np.concatenate, zip(*claims, strict=True)))

    def take(self, rows: Ints) -> Claims:
        """Give some of the claims."""
        sizes = self.sizes[rows]
        first = (np.cumsum(self.sizes) - self.sizes)[rows]
        things = self.things[np.repeat(first, sizes) + counted(sizes)]
        return Claims(
            self.image[rows], self.one[rows], self.other[rows], self.value[rows], things, sizes
        )

    @property
    def of(self) -> Ints:
        """Give the claim of each of the things."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def pair(self) -> tuple[Ints, Ints]:
        """Give the first and the second thing of each claim on two things."""
        return self.things[::2], self.things[1::2]


def of_pairs(scenes: Scenes, one: Ints, other: Ints, value: Ints) -> Claims:
    """Give claims on two things each, by what names them."""
    things = np.column_stack([one, other]).ravel()
    names = scenes.name[one], scenes.name[other]
    return Claims(scenes.image[one], *names, value, things, np.full(len(one), 2))


def of_things(scenes: Scenes, things: Ints, value: Ints) -> Claims:
    """Give claims on one thing each; its concept is that by which the thing is named."""
    none, single = np.full(len(things), NO_CONCEPT), np.ones(len(things), np.int64)
    return Claims(scenes.image[things], scenes.name[things], none, value, things, single)


def of_groups(scenes: Scenes, groups: Groups, value: Ints) -> Claims:
    """Give claims on all things of an image that show a concept."""
    image, one = np.divmod(groups.keys, len(scenes.concepts.all))
    none = np.full(len(one), NO_CONCEPT)
    return Claims(image, one, none, value, groups.things, groups.sizes)


def of_images(scenes: Scenes, value: Ints) -> Claims:
    """Give a claim on each image as a whole."""
    number, none = len(scenes.images), np.full(len(scenes.images), NO_CONCEPT)
    empty = np.zeros(0, np.int64)
    return Claims(np.arange(number), none, none, value, empty, np.zeros(number, np.int64))


class Said(NamedTuple):
    """A claim in words."""

    claim: str
    """In a formal notation: ``count(tennis court) = 3``. Each kind defines its own."""
    words: dict[str, str]
    """What the phrasings fill in, by name."""


@dataclass(frozen=True)
class Kind:
    """A kind of statement."""

    name: str
    make: Callable[[Scenes], Claims]
    """Gives the claims on the images of a shard."""
    holds: Callable[[Claims, Scenes], Bools]
    """Tells which claims are true: a check that does not use the way in which they were made."""
    say: Callable[[Sequence[Concept], int], Said]
    """Gives what a claim says, by its concepts (none, one or two) and its value."""
    phrasings: tuple[str, ...]
    """The sentences that say it; each names the words of the claim in braces."""
    role: Literal["statement", "question", "negative"] = "statement"
    seconds: tuple[str, ...] = ()
    """By phrasing: the answer of a question, or the true sentence that a negative twists."""
    measure: Callable[[Claims, Scenes], tuple[Ints, Bools]] | None = None
    """Gives the values of claims, and tells which are true, if ``make`` leaves both open: only the
    claims that are drawn first are measured."""
    texts: Callable[[Ints], pa.StringArray] | None = None
    """Gives the texts of values that rarely recur: they take the place of `VALUE` in what ``say``
    gives, which is then called with the value 0."""


_MOST_OF_PAIRS = 12


@once
def pairs_of_things(scenes: Scenes) -> Claims:
    """Give open claims on all pairs of two different kinds of things of an image, but of lines.

    Only the first twelve things of an image, the nearest to its centre, take part.
    """
    first = np.flatnonzero(first_of(scenes, scenes.dimensions != 1, _MOST_OF_PAIRS))
    ends = np.searchsorted(scenes.image[first], scenes.image[first], "right")
    starts = np.searchsorted(scenes.image[first], scenes.image[first])
    one = np.repeat(first, ends - starts)
    other = first[np.repeat(starts, ends - starts) + counted(ends - starts)]
    kept = np.flatnonzero(scenes.concepts.differ(scenes.name[one], scenes.name[other]))
    return of_pairs(scenes, one[kept], other[kept], np.zeros(len(kept), np.int64))


def first_of(scenes: Scenes, some: Bools, most: int) -> Bools:
    """Tell which are the first ones of some things of each image, the nearest to its centre."""
    first, things = some.copy(), np.flatnonzero(some)
    first[things] = counted_in(scenes.image[things]) < most
    return first


def named(concepts: Sequence[Concept]) -> str:
    """Give the names of concepts as they stand in a claim."""
    return ", ".join(one.name for one in concepts)


def name_both(one: Concept, other: Concept) -> dict[str, str]:
    """Give the words of two things: one as ``a``, or ``A`` at the start, the other as ``b``.

    The verbs of `_OF_MANY` go with the first one.
    """
    a, b = with_article(one), with_article(other)
    upper = {"A": a[0].upper() + a[1:], "B": b[0].upper() + b[1:]}
    verbs = {verb: verb_of(one, verb, of_many) for verb, of_many in _OF_MANY.items()}
    return {"a": a, "b": b, "one": one.name, "other": other.name, **upper, **verbs}


_OF_MANY = {"is": "are", "Is": "Are", "Does": "Do", "lies": "lie", "crosses": "cross"}
"""The verbs of statements on two things, and their plurals."""
