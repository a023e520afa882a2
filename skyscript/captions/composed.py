"""Short and long captions, composed of a title and of sentences that are true of the image.

a satellite image of a church. About 30 percent of the area is covered by grass. A car park can be
seen east of a church.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from skyscript.captions.tokens import CLIP_CONTEXT, PhraseTokens

COMPOSED = ("title_short", "title_long")
"""Their columns in CSVs, behind the published ones: readers of these find all of theirs."""
LONG_CONTEXT = 248
"""The most tokens of a text that models with a long context read, such as Long-CLIP."""
_END = "."


class Composed(NamedTuple):
    """The two captions of an image, each with its number of tokens."""

    title_short: str
    title_long: str
    tokens_short: int
    tokens_long: int


def compose(
    beginnings: Sequence[tuple[str, int]], sentences: Sequence[str], counts: PhraseTokens
) -> Composed:
    """Give the short and the long caption of an image, and their numbers of tokens.

    ``beginnings`` are texts with their numbers of tokens (start and end token included): the title,
    then the caption of all objects if there is one. The short caption (at most 77 tokens) begins
    with the first, the long one (at most 248) with the last that fits. Both then add ``sentences``
    in order, and leave out each one that no longer fits. ``counts`` counts a sentence's tokens.
    """
    short, tokens_short = _compose(beginnings[:1], sentences, counts, CLIP_CONTEXT)
    long, tokens_long = _compose(beginnings, sentences, counts, LONG_CONTEXT)
    return Composed(short, long, tokens_short, tokens_long)


def _compose(
    beginnings: Sequence[tuple[str, int]],
    sentences: Sequence[str],
    counts: PhraseTokens,
    most: int,
) -> tuple[str, int]:
    fitting = [one for one in beginnings if one[1] + counts[_END] <= most]
    text, total = (fitting or beginnings)[-1]
    parts = [text + _END]
    total += counts[_END]
    for sentence in sentences:
        if total + counts[sentence] <= most:
            parts.append(sentence)
            total += counts[sentence]
    return " ".join(parts), total


def take_turns(texts: Mapping[str, Iterable[str]], order: Sequence[str]) -> list[str]:
    """Give texts of several kinds, one of each kind in turn, kinds in ``order``; no text twice."""
    queues = [list(dict.fromkeys(texts.get(kind, ()))) for kind in order]
    most = max(map(len, queues), default=0)
    turns = (queue[turn] for turn in range(most) for queue in queues if turn < len(queue))
    return list(dict.fromkeys(turns))
