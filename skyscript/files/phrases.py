"""The phrases of a multi-object caption: the focus object, then each kind of neighbour.

a satellite image of man made pier, surrounded by waterway of river; road of footway
"""

from __future__ import annotations

import re

AROUND = ", surrounded by "
BETWEEN = "; "
PREFIX = "^an? (satellite|aerial) image of "
"""A pattern for the start of published captions, upper or lower case."""
TAGS = f"string_split(regexp_replace(title, '{PREFIX}', '', 'i'), ', ')"
"""SQL for the tags in a title: the texts between its commas, after the prefix."""


def split_neighbours(caption: str) -> list[str]:
    """Give the phrases of the neighbours in a caption, in order."""
    around = caption.partition(AROUND)[2]
    return around.split(BETWEEN) if around else []


def make_caption(phrase: str, caption: str) -> str:
    """Give a caption of one phrase, with the prefix of ``caption``."""
    prefix = re.match(PREFIX, caption, re.IGNORECASE)
    return f"{prefix[0] if prefix else ''}{phrase}"
