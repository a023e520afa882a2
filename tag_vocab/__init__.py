"""Which tags can be seen from above, down to which resolution, and how they are said.

A leaf: it imports nothing of the project. A tag is asked by `look_up`, an object's tags together by
a `Vocabulary`.
"""

from tag_vocab.deprecated import current
from tag_vocab.files import ANY, content_id
from tag_vocab.objects import SHIPPED, Vocabulary
from tag_vocab.own import OwnLabel, read_own_labels
from tag_vocab.vocabulary import (
    TagEntry,
    groundable_keys,
    guessed,
    is_open,
    look_up,
    never_visible,
)
from tag_vocab.words import most_frequent_first, phrase

__all__ = [
    "ANY",
    "SHIPPED",
    "OwnLabel",
    "TagEntry",
    "Vocabulary",
    "content_id",
    "current",
    "groundable_keys",
    "guessed",
    "is_open",
    "look_up",
    "most_frequent_first",
    "never_visible",
    "phrase",
    "read_own_labels",
]
