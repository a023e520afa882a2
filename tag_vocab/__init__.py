"""Which tags can be seen from above, up to which GSD, and the phrase of each tag in captions.

This package is a leaf: it imports nothing else of the project. `look_up` answers for one tag, a
`Vocabulary` for all tags of an object together.
"""

from tag_vocab.concepts import Concept, concept, is_a
from tag_vocab.concepts_of import concepts_of, tags_showing
from tag_vocab.deprecated import modernise
from tag_vocab.files import ANY, content_id
from tag_vocab.objects import SHIPPED, Vocabulary
from tag_vocab.own import OwnLabel, read_own_labels, with_own_labels
from tag_vocab.vocabulary import (
    TagEntry,
    entry_of_guess,
    groundable_keys,
    look_up,
    needs_classifier,
    never_visible,
)
from tag_vocab.words import most_frequent_first, phrase

__all__ = [
    "ANY",
    "SHIPPED",
    "Concept",
    "OwnLabel",
    "TagEntry",
    "Vocabulary",
    "concept",
    "concepts_of",
    "content_id",
    "entry_of_guess",
    "groundable_keys",
    "is_a",
    "look_up",
    "modernise",
    "most_frequent_first",
    "needs_classifier",
    "never_visible",
    "phrase",
    "read_own_labels",
    "tags_showing",
    "with_own_labels",
]
