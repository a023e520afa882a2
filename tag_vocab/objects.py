"""Which tags of an object can be seen, and which of them its caption names.

Old spellings are read as today's, and a value that holds several (``tennis;basketball``) is read as
several tags. An attribute (surface, roof:shape) is visible only if the object also has a visible
thing. A `Vocabulary` may hold answers and phrases of the user, which go before the shipped ones.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tag_vocab import context, files, words
from tag_vocab.deprecated import keys_of_rules, modernise
from tag_vocab.files import ANY
from tag_vocab.sizes import ANY_VIEW, View, view_of
from tag_vocab.vocabulary import (
    TagEntry,
    is_attribute,
    join_values,
    key_rule,
    look_up,
    never_visible,
    said_value,
    split_values,
)

Tag = tuple[str, str]

_CACHED = 1 << 15
"""Tags, and objects, whose answer is cached."""
_MOST_TAGS = 16
"""Only objects with at most this many tags that matter are cached, which bounds the memory."""
_NO_THING = "describes a thing that is not visible"
_UNKNOWN_VALUE = "an unknown value: only the key is said"


class Seen(NamedTuple):
    """A visible tag with a single value."""

    key: str
    value: str
    max_gsd: float


class Vocabulary:
    """The shipped vocabulary, with the user's answers before it.

    A user's answer for ``(key, "*")`` holds for every value of the key without its own answer.
    """

    def __init__(
        self,
        answers: Mapping[Tag, TagEntry] = MappingProxyType({}),
        phrases: Mapping[Tag, str] = MappingProxyType({}),
    ) -> None:
        self._answers = dict(answers)
        self._phrases = dict(phrases)
        self._any = {key for key, value in self._answers if value == ANY}
        # A user label that makes an unknown key visible also declares that key a *thing*.
        self._things = {
            key
            for (key, _), entry in self._answers.items()
            if entry.source == "own" and entry.groundable and key_rule(key) is None
        }
        self._seen_values = functools.lru_cache(maxsize=_CACHED)(self._ask)
        self._matters = functools.lru_cache(maxsize=_CACHED)(self._may_be_seen)
        self._all_seen = functools.lru_cache(maxsize=_CACHED)(self._find_seen)
        self._all_views = functools.lru_cache(maxsize=_CACHED)(self._find_views)

    def answer(self, key: str, value: str) -> TagEntry:
        """Give the answer for a tag: the user's, else the shipped; for several values the best."""
        own = self._own(key, value)
        parts = self._parts(key, value)
        if own is None and len(parts) > 1:
            answers = (self.answer(key, part) for part in parts)
            return max(answers, key=lambda answer: answer.max_gsd or 0.0)
        return own or look_up(key, value)

    def phrase(self, key: str, value: str) -> str:
        """Give the phrase of a tag in captions."""
        own = self._phrases.get((key, value)) or self._phrases.get((key, ANY))
        return own or words.phrase(key, value)

    def seen(
        self, tags: Mapping[str, str], gsd: float = 0.0, extent: float | None = None
    ) -> list[Seen]:
        """Give the tags of an object that are visible at a GSD, with one value each.

        There are none without a visible thing. ``extent`` is the extent of view in metres, for an
        object that is a node or a line: a tile that is too small or too large shows no such thing.
        """
        which = self._deciding(tags)
        seen = (self._all_seen if len(which) <= _MOST_TAGS else self._find_seen)(which, gsd)
        if extent is not None:
            seen = self._with_a_thing(each for each in seen if self._is_in_view(each, extent))
        return list(seen)

    def _deciding(self, tags: Mapping[str, str]) -> tuple[Tag, ...]:
        """Give the tags that decide what is seen: most objects differ only in other ones."""
        return tuple(tag for tag in tags.items() if self._matters(*tag))

    def _may_be_seen(self, key: str, value: str) -> bool:
        """Tell whether a tag can affect what is seen of an object."""
        decides = key in keys_of_rules() or key in context.deciding_keys()
        return decides or bool(self._seen_values(key, value))

    def _find_seen(self, tags: tuple[Tag, ...], gsd: float) -> tuple[Seen, ...]:
        today = modernise(dict(tags))
        if context.is_gone(today):
            return ()
        seen = tuple(
            shown
            for tag in today.items()
            for shown in self._seen_values(*tag)
            if shown.max_gsd >= gsd and context.why_silent(*tag, today) is None
        )
        return self._with_a_thing(seen)

    def _with_a_thing(self, seen: Iterable[Seen]) -> tuple[Seen, ...]:
        """Give all tags if one of them is a thing, and none otherwise."""
        every = tuple(seen)
        return every if any(self._is_thing(key) for key, _, _ in every) else ()

    def _is_in_view(self, tag: Seen, extent: float) -> bool:
        return not self._is_thing(tag.key) or not self._view(tag).why_outside(extent)

    def _view(self, tag: Seen) -> View:
        own = self._own(tag.key, tag.value)
        return view_of(tag.key, tag.value) if own is None else ANY_VIEW

    def views(self, tags: Mapping[str, str], gsd: float = 0.0) -> list[tuple[float, View]]:
        """Give for each thing visible at a GSD its maximum GSD and its extents of view."""
        which = self._deciding(tags)
        views = (self._all_views if len(which) <= _MOST_TAGS else self._find_views)(which, gsd)
        return list(views)

    def _find_views(self, tags: tuple[Tag, ...], gsd: float) -> tuple[tuple[float, View], ...]:
        things = (each for each in self._find_seen(tags, gsd) if self._is_thing(each.key))
        return tuple(dict.fromkeys((each.max_gsd, self._view(each)) for each in things))

    def max_gsd(self, tags: Mapping[str, str]) -> float | None:
        """Give the coarsest GSD in metres at which an object is visible; None if it never is."""
        return self.coarsest(self.seen(tags))

    def coarsest(self, seen: Iterable[Seen]) -> float | None:
        """Give the coarsest GSD at which one of the things among visible tags is visible."""
        return max((gsd for key, _, gsd in seen if self._is_thing(key)), default=None)

    def visible(
        self, tags: Mapping[str, str], gsd: float, extent: float | None = None
    ) -> dict[str, str]:
        """Give the tags of an object that are visible at a GSD in metres, in today's spelling.

        Order as given. Several values of a key stay joined by a semicolon. ``extent`` is the extent
        of view in metres, for a node or a line.
        """
        return join_values((key, value) for key, value, _ in self.seen(tags, gsd, extent))

    def invisible_tags(
        self, tags: Mapping[str, str], gsd: float, extent: float | None = None
    ) -> dict[str, str]:
        """Give the tags that are not visible, as for `visible`, as ``key=value`` with the reason.

        Together with `visible` these are all tags of the object, in today's spelling. If a value
        holds a great many values, only the first ones are given.
        """
        seen = self.visible(tags, gsd, extent)
        shown = {
            (key, part) for key, value in seen.items() for part in (value, *split_values(value))
        }
        today = modernise(tags)
        rest = [tag for tag in self._one_by_one(today.items()) if tag not in shown]
        why = {tag: self._why_not(*tag, gsd, today) for tag in rest}
        if extent is not None:
            things = (each for each in self.seen(tags, gsd) if self._is_thing(each.key))
            outside = {each[:2]: self._view(each).why_outside(extent) for each in things}
            why |= {tag: outside[tag] for tag in rest if outside.get(tag)}
        return {f"{key}={value}": reason for (key, value), reason in why.items()}

    def caption_tags(self, tags: Mapping[str, str]) -> list[Tag]:
        """Give the tags of an object that its caption names: in today's spelling, one value each.

        Assumes that the given tags are visible. Drops only tags that the user's labels reject, and
        invisible tags that come from modernising an old spelling.
        """
        today = self._one_by_one(modernise(tags).items())
        named = [tag for tag in today if self._is_named(*tag, tags)]
        given = self._one_by_one(tags.items())
        return named or [tag for tag in given if self._is_named(*tag, tags)]

    def _is_named(self, key: str, value: str, given: Mapping[str, str]) -> bool:
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
        return split_values(value) or (value,)

    def _ask(self, key: str, value: str) -> tuple[Seen, ...]:
        answers = ((part, self.answer(key, part).max_gsd) for part in self._parts(key, value))
        seen = (Seen(key, self._said(key, part), gsd) for part, gsd in answers if gsd is not None)
        return tuple(dict.fromkeys(seen))

    def _said(self, key: str, value: str) -> str:
        return value if self._own(key, value) else said_value(key, value)

    def _own(self, key: str, value: str) -> TagEntry | None:
        own = self._answers.get((key, value))
        return self._answers[key, ANY] if own is None and key in self._any else own

    def _is_thing(self, key: str) -> bool:
        return key in self._things or not is_attribute(key)

    def _why_not(self, key: str, value: str, gsd: float, tags: Mapping[str, str]) -> str:
        if reason := context.why_silent(key, value, tags):
            return reason
        if context.is_gone(tags):
            return context.GONE
        answer = self.answer(key, value)
        if answer.max_gsd is None:
            return answer.reason
        fine = f"visible up to {answer.max_gsd:g} m: {answer.reason}"
        if answer.max_gsd < gsd:
            return fine
        return _NO_THING if self._said(key, value) == value else _UNKNOWN_VALUE


SHIPPED = Vocabulary()
"""The vocabulary without labels of a user."""
