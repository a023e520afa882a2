"""Which tags can be seen from above, down to which resolution, and how they are said.

A leaf: it imports nothing of the project. `look_up` is the one question the stages ask.
"""

from tag_vocab.files import content_id
from tag_vocab.vocabulary import TagEntry, groundable_keys, look_up, max_gsd, visible
from tag_vocab.words import most_frequent_first, phrase

__all__ = [
    "TagEntry",
    "content_id",
    "groundable_keys",
    "look_up",
    "max_gsd",
    "most_frequent_first",
    "phrase",
    "visible",
]
