"""Which tags can be seen from above, down to which resolution, and how they are said.

A leaf: it imports nothing of the project. `look_up` is the question the stages ask.
"""

from tag_vocab.deprecated import current
from tag_vocab.files import ANY, content_id
from tag_vocab.vocabulary import (
    TagEntry,
    groundable_keys,
    guessed,
    is_open,
    look_up,
    max_gsd,
    never_visible,
    visible,
)
from tag_vocab.words import most_frequent_first, phrase

__all__ = [
    "ANY",
    "TagEntry",
    "content_id",
    "current",
    "groundable_keys",
    "guessed",
    "is_open",
    "look_up",
    "max_gsd",
    "most_frequent_first",
    "never_visible",
    "phrase",
    "visible",
]
