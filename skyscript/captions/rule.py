"""Captions by rule from an image's tags, identical to the published ones.

The rules are inferred from published rows. Each caption begins with the prefix. The vocabulary
gives the order and the words of an object's tags: the single caption joins them with ", ", the
multi caption with " with " and then " and ". The neighbours follow ", surrounded by ", separated by
"; "; equal neighbours are named once.

Old spellings are replaced by today's, and several values in one tag (tennis;basketball) become
several tags. This applies to the captions of a run and to those of published pickles.

A neighbour with the same words as the focus object is dropped: no known published caption repeats
its focus object, although crossings and bus stops often occur in groups.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import tag_vocab
from skyscript.captions.config import DEFAULT, CaptionConfig, Spelling, TagOrder
from skyscript.captions.tokens import ENDS, PhraseTokens
from skyscript.files.phrases import AROUND, BETWEEN
from tag_vocab import SHIPPED, Vocabulary

NOTHING_TO_SAY = "no tag to say"
_MOST_CACHED_TAGS = 16
"""Only objects with at most this many tags are cached, which bounds the memory of the cache."""


class ObjectPhrases(NamedTuple):
    """An object's words in a caption of it alone (single), or with its neighbours (multi)."""

    single: str
    multi: str


def single_caption(
    center_tags: Mapping[str, str],
    config: CaptionConfig = DEFAULT,
    words: Vocabulary = SHIPPED,
) -> str:
    """Give the caption of only the focus object: "... of building, office of energy supplier"."""
    return config.prefix + phrases_of(center_tags, config, words).single


def multi_caption(
    center_tags: Mapping[str, str],
    surrounding: Iterable[Mapping[str, str]],
    config: CaptionConfig = DEFAULT,
    words: Vocabulary = SHIPPED,
) -> str:
    """Give the caption of the focus object and its neighbours, in the given order."""
    around = (phrases_of(tags, config, words).multi for tags in surrounding)
    return surrounded(phrases_of(center_tags, config, words).multi, around, config)


def surrounded(focus: str, surrounding: Iterable[str], config: CaptionConfig) -> str:
    """Give the caption of the words of a focus object and of its neighbours."""
    return join_phrases(named_phrases(focus, surrounding, config), config)


def named_phrases(focus: str, surrounding: Iterable[str], config: CaptionConfig) -> list[str]:
    """Give the words of a focus object, then those of the neighbours that its caption names."""
    around = [phrase for phrase in dict.fromkeys(surrounding) if phrase and phrase != focus]
    return [focus, *around[: config.max_surrounding]]


def join_phrases(phrases: Sequence[str], config: CaptionConfig) -> str:
    """Give the caption of a focus object's words and of its neighbours' words."""
    return config.prefix + AROUND.join(filter(None, [phrases[0], BETWEEN.join(phrases[1:])]))


def count_caption(phrases: Sequence[str], config: CaptionConfig, counts: PhraseTokens) -> int:
    """Give the number of CLIP tokens of a caption, the start and the end token included.

    It is an upper bound if a word is not in the table of `skyscript.captions.tokens`.
    """
    focus, *around = phrases
    total = ENDS + counts[config.prefix + focus]
    if around:
        total += counts[AROUND] + (len(around) - 1) * counts[BETWEEN]
    return total + sum([counts[phrase] for phrase in around])


def phrases_of(tags: Mapping[str, str], config: CaptionConfig, words: Vocabulary) -> ObjectPhrases:
    """Give the words of an object. Objects with few tags are cached, because most of them recur."""
    make = _phrases if len(tags) > _MOST_CACHED_TAGS else _cached_phrases
    return make(tuple(tags.items()), config.tag_order, config.spelling, words)


def _phrases(
    given: tuple[tuple[str, str], ...], order: TagOrder, spelling: Spelling, words: Vocabulary
) -> ObjectPhrases:
    tags = words.caption_tags(dict(given)) if spelling == "today" else list(given)
    if order == "most_frequent_first":
        tags = tag_vocab.most_frequent_first(tags)
    # A caption is one line: any white space, line ends included, becomes one space.
    distinct = dict.fromkeys(" ".join(words.phrase(*tag).split()) for tag in tags)
    phrases = [phrase for phrase in distinct if phrase]
    first, *rest = phrases or [""]
    multi = f"{first} with {' and '.join(rest)}" if rest else first
    return ObjectPhrases(", ".join(phrases), multi)


_cached_phrases = functools.lru_cache(maxsize=1 << 13)(_phrases)
