"""Captions by rule: of a tag, of an object and of an image, as published or in plain English."""

from skyscript.captions.composed import COMPOSED, Composed, compose, take_turns
from skyscript.captions.config import CaptionConfig
from skyscript.captions.pickles import caption_pickles
from skyscript.captions.readable import Neighbour, ReadableStyle
from skyscript.captions.rule import (
    NOTHING_TO_SAY,
    ObjectPhrases,
    count_caption,
    join_phrases,
    multi_caption,
    named_phrases,
    phrases_of,
    single_caption,
)
from skyscript.captions.tokens import CLIP_CONTEXT, PhraseTokens

__all__ = [
    "CLIP_CONTEXT",
    "COMPOSED",
    "NOTHING_TO_SAY",
    "CaptionConfig",
    "Composed",
    "Neighbour",
    "ObjectPhrases",
    "PhraseTokens",
    "ReadableStyle",
    "caption_pickles",
    "compose",
    "count_caption",
    "join_phrases",
    "multi_caption",
    "named_phrases",
    "phrases_of",
    "single_caption",
    "take_turns",
]
