"""Counts the tokens that CLIP makes of a text, without CLIP's tokenizer.

``clip_token_lengths.csv`` holds the number of tokens of each word that our captions use, made from
CLIP's byte-pair encoding by ``data/clip_tokens/make_lengths.py``. The count is exact for texts of
these words. For other texts it is an upper bound, because a token holds at least one byte.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

CLIP_CONTEXT = 77
"""The most tokens of a text that CLIP reads, its beginning and its end included."""
ENDS = 2
"""The tokens that mark the beginning and the end of a text."""

_PIECE = re.compile(r"'(?:s|t|re|ve|m|ll|d)|[a-z]+|[0-9]|[^a-z0-9]+")
"""The pieces that CLIP's tokenizer encodes one by one, of a printable ASCII text without spaces."""
_PLAIN = re.compile(r"[!-%'-~]+")
"""A text that the tokenizer's cleaning does not change: ASCII, no control character, no entity."""
_MOST_GROWTH = 3
"""The tokenizer composes characters (NFC), which makes a text at most this many times longer."""
_MOST_KEPT = 1 << 16
"""Phrases whose number is kept."""


def count_tokens(text: str) -> int:
    """Give the number of tokens of a text, or an upper bound, without the two ends."""
    return sum(_count_chunk(chunk) for chunk in text.lower().split())


class PhraseTokens(dict[str, int]):
    """The numbers of tokens of phrases, each counted once.

    The numbers of two phrases may be added if a space or a punctuation mark parts them.
    """

    def __missing__(self, phrase: str) -> int:
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[phrase] = count_tokens(phrase)
        return self[phrase]


def _count_chunk(chunk: str) -> int:
    if not _PLAIN.fullmatch(chunk):
        return _MOST_GROWTH * len(chunk.encode("utf-8", "replace"))
    known = _lengths()
    return sum(known.get(piece, len(piece)) for piece in _PIECE.findall(chunk))


@functools.cache
def _lengths() -> dict[str, int]:
    """Give the number of tokens by word."""
    table = Path(__file__).with_name("clip_token_lengths.csv").read_text("utf-8")
    rows = (line.split(",") for line in table.splitlines()[1:])
    return {word: int(tokens) for word, tokens in rows}
