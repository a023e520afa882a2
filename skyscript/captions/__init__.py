"""Captions by rule, in the published wording: of a tag, of an object and of an image."""

from skyscript.captions.pickles import caption_pickles
from skyscript.captions.rule import (
    NOTHING_TO_SAY,
    CaptionConfig,
    ObjectPhrases,
    multi_caption,
    phrases_of,
    single_caption,
    surrounded,
)

__all__ = [
    "NOTHING_TO_SAY",
    "CaptionConfig",
    "ObjectPhrases",
    "caption_pickles",
    "multi_caption",
    "phrases_of",
    "single_caption",
    "surrounded",
]
