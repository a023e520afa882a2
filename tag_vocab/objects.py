"""What of an object can be seen, and how it is said: its tags taken together.

Tags are read in today's spelling, and of several values (``tennis;basketball``) each is asked by
itself. An attribute (surface, roof:shape) is seen only where a thing of the same object is. A
`Vocabulary` may hold answers and phrases of its own, which go before those that ship.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tag_vocab import files, words
from tag_vocab.deprecated import current
from tag_vocab.files import ANY
from tag_vocab.vocabulary import TagEntry, is_attribute, key_rule, look_up, never_visible, several

Tag = tuple[str, str]

_KEPT = 1 << 15
"""Tags whose answer is remembered."""
_NO_THING = "tells of a thing that does not show"


class Seen(NamedTuple):
    """A tag that can be seen, one value of it."""

    key: str
    value: str
    max_gsd: float


class Vocabulary:
    """The shipped vocabulary, and before it answers of one's own.

    An own answer for ``(key, "*")`` holds for all values of the key that have none by themselves.
    """

    def __init__(
        self,
        answers: Mapping[Tag, TagEntry] = MappingProxyType({}),
        phrases: Mapping[Tag, str] = MappingProxyType({}),
    ) -> None:
        self._answers = dict(answers)
        self._phrases = dict(phrases)
        self._any = {key for key, value in self._answers if value == ANY}
        # Whoever says that a key of which nobody has heard can be seen names a thing by it.
        self._things = {
            key
            for (key, _), entry in self._answers.items()
            if entry.source == "own" and entry.groundable and key_rule(key) is None
        }
        self._seen_values = functools.lru_cache(maxsize=_KEPT)(self._ask)

    def answer(self, key: str, value: str) -> TagEntry:
        """Give the answer for a tag: one's own, else the shipped one."""
        return self._own(key, value) or look_up(key, value)

    def phrase(self, key: str, value: str) -> str:
        """Say a tag."""
        own = self._phrases.get((key, value)) or self._phrases.get((key, ANY))
        return own or words.phrase(key, value)

    def seen(self, tags: Mapping[str, str]) -> list[Seen]:
        """Give the tags of an object that can be seen, one value each; none without a thing."""
        seen = [shown for tag in current(tags).items() for shown in self._seen_values(*tag)]
        return seen if any(self._is_thing(key) for key, _, _ in seen) else []

    def max_gsd(self, tags: Mapping[str, str]) -> float | None:
        """Give the coarsest GSD, in metres, at which an object shows; None if it never does."""
        gsds = (gsd for key, _, gsd in self.seen(tags) if self._is_thing(key))
        return max(gsds, default=None)

    def visible(self, tags: Mapping[str, str], gsd: float) -> dict[str, str]:
        """Give what can be seen of an object at a GSD in metres: tags as they are said today.

        In the given order; values that stand in one are still joined by a semicolon.
        """
        seen = [shown for shown in self.seen(tags) if shown.max_gsd >= gsd]
        if not any(self._is_thing(key) for key, _, _ in seen):
            return {}
        result: dict[str, str] = {}
        for key, value, _ in seen:
            result[key] = f"{result[key]};{value}" if key in result else value
        return result

    def left_out(self, tags: Mapping[str, str], gsd: float) -> dict[str, str]:
        """Give the rest of an object's tags, one value each as ``key=value``, and why it is left.

        The tags of `visible` and these are all tags of the object, in today's spelling; of a great
        many values in one only the first.
        """
        seen = self.visible(tags, gsd)
        shown = {(key, part) for key, value in seen.items() for part in (value, *several(value))}
        rest = (tag for tag in self._one_by_one(current(tags).items()) if tag not in shown)
        return {f"{key}={value}": self._why_not(key, value, gsd) for key, value in rest}

    def said(self, tags: Mapping[str, str]) -> list[Tag]:
        """Give the tags of an object that captions name: today's, one value each.

        The given tags are taken for visible, whoever judged them; left out is only what one's own
        answers deny, and what an old spelling brings with it that cannot be seen.
        """
        today = self._one_by_one(current(tags).items())
        said = [tag for tag in today if self._is_said(*tag, tags)]
        return said or [tag for tag in self._one_by_one(tags.items()) if self._is_said(*tag, tags)]

    def _is_said(self, key: str, value: str, given: Mapping[str, str]) -> bool:
        own = self._own(key, value)
        if own is not None:
            return own.groundable
        return key in given or look_up(key, value).groundable

    def _one_by_one(self, tags: Iterable[Tag]) -> list[Tag]:
        return [(key, part) for key, value in tags for part in self._parts(key, value)]

    def _parts(self, key: str, value: str) -> tuple[str, ...]:
        if ";" not in value or (key, value) in self._answers or never_visible(key):
            return (value,)
        if (key, value) in files.labels():  # vending=parcel_mail_in;parcel_pickup
            return (value,)
        return several(value) or (value,)

    def _ask(self, key: str, value: str) -> tuple[Seen, ...]:
        answers = ((part, self.answer(key, part).max_gsd) for part in self._parts(key, value))
        return tuple(Seen(key, part, gsd) for part, gsd in answers if gsd is not None)

    def _own(self, key: str, value: str) -> TagEntry | None:
        own = self._answers.get((key, value))
        return self._answers[key, ANY] if own is None and key in self._any else own

    def _is_thing(self, key: str) -> bool:
        return key in self._things or not is_attribute(key)

    def _why_not(self, key: str, value: str, gsd: float) -> str:
        answer = self.answer(key, value)
        if answer.max_gsd is None:
            return answer.reason
        fine = f"shows up to {answer.max_gsd:g} m a pixel: {answer.reason}"
        return fine if answer.max_gsd < gsd else _NO_THING


SHIPPED = Vocabulary()
"""The vocabulary as it ships."""
