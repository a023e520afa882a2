"""The phrases of a caption of all objects: the object's own, and one for each kind of neighbour.

a satellite image of man made pier, surrounded by waterway of river; road of footway
"""

from __future__ import annotations

import re

AROUND = ", surrounded by "
BETWEEN = "; "
PREFIX = "^an? (satellite|aerial) image of "
"""A pattern, in any case: how published captions begin."""


def neighbours(caption: str) -> list[str]:
    """Give the phrases of the neighbours, in order."""
    around = caption.partition(AROUND)[2]
    return around.split(BETWEEN) if around else []


def alone(phrase: str, caption: str) -> str:
    """Give a phrase as a caption of its own, that begins as ``caption`` does."""
    begun = re.match(PREFIX, caption, re.IGNORECASE)
    return f"{begun[0] if begun else ''}{phrase}"
