"""The likeness of two tags: the kernel of both classifiers, a sum of optional parts.

Vectors come from an encoder; `evaluation` measures what each part adds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tag_vocab import files
from tag_vocab.encoders import Encoder, Vectors

Tag = tuple[str, str]

PARTS = ("key and value", "key", "value", "same key", "kinds", "words of iD")
"""The parts. The folds of `evaluation` chose the weights and `SHARPNESS`, so its figures are
slightly optimistic."""

SHARPNESS = 3.0
"""How fast likeness falls with the angle: it is 1 for equal words, 0.05 at a right angle."""
_LONGEST = 200
"""Characters of a key or a value that are read; an encoder reads no more anyway."""
_SIDES = frozenset({"left", "right", "both", "lane"})


class Described(NamedTuple):
    """The features of tags; rows in the order of the tags."""

    both: Vectors
    key: Vectors
    value: Vectors
    words: Vectors
    """The iD editor's words for the tag; if iD does not know it, key and value again."""
    same: npt.NDArray[np.int64]
    """The same number for the same key."""
    kinds: Vectors
    """Whether points, lines, areas carry it, or not known: 0 or 1 each."""


def describe(tags: Sequence[Tag], encoder: Encoder) -> Described:
    """Give the features of tags. Each distinct text is encoded once, in a fixed order."""
    keys = [_words(key) for key, _ in tags]
    values = [_words(value) for _, value in tags]
    both = [f"{key} {value}" for key, value in zip(keys, values, strict=True)]
    id_texts = [_id_text(*tag) for tag in tags]
    texts = sorted({*keys, *values, *both, *id_texts})
    place = {text: row for row, text in enumerate(texts)}
    vectors = encoder(texts)
    known = [files.universe().get(tag, files.Known("", "")) for tag in tags]
    kinds = [[*(kind in of.kinds for kind in "nwa"), not of.kinds] for of in known]
    return Described(
        both=vectors[[place[text] for text in both]],
        key=vectors[[place[text] for text in keys]],
        value=vectors[[place[text] for text in values]],
        words=vectors[[place[text] for text in id_texts]],
        same=np.array([_number(base_key(key)) for key, _ in tags]),
        kinds=np.array(kinds, np.float64),
    )


def likeness(
    left: Described,
    right: Described,
    parts: Sequence[str] = PARTS,
    sharpness: float = SHARPNESS,
) -> Vectors:
    """Give the likeness of each left tag to each right tag: symmetric, positive definite."""
    value = _angle(left.value, right.value, sharpness)
    same = left.same[:, None] == right.same
    total = np.zeros_like(value)
    for part in parts:
        if part == "key and value":
            total += _angle(left.both, right.both, sharpness) / 3
        elif part == "key":
            total += _angle(left.key, right.key, sharpness) / 3
        elif part == "value":
            total += value / 3
        elif part == "same key":
            total += same * value / 3
        elif part == "kinds":
            total += _distance(left.kinds, right.kinds) * (1 + value) / 5
        elif part == "words of iD":
            total += _angle(left.words, right.words, sharpness) * (1 + same) / 3
        else:
            raise ValueError(f"unknown part {part!r}")
    return total


def base_key(key: str) -> str:
    """Give a key without the side of a road: ``parking`` for ``parking:left``."""
    return ":".join(word for word in key.split(":") if word not in _SIDES) or key


def spelling(tag: Tag) -> str:
    """Give the same text for tags with almost the same spelling; no two folds share one.

    Case, underscores, side of the road and a plural s make no difference.
    """
    return "=".join(
        " ".join(
            word[:-1] if len(word) > 3 and word.endswith("s") else word
            for word in re.findall(r"\w+", text.lower().replace("_", " "))
        )
        for text in (base_key(tag[0]), tag[1])
    )


def _words(text: str) -> str:
    return text[:_LONGEST].replace("_", " ").replace(":", " ").encode(errors="replace").decode()


def _id_text(key: str, value: str) -> str:
    """Give iD's words for a tag; if iD does not know the tag, its words for the key."""
    own = files.id_words().get((key, value))
    if own is None or "." not in own:  # no preset: the label of a value says little alone
        own = f"{files.id_words().get((key, files.ANY)) or _words(key)}: {own or _words(value)}."
    return f"{own} {_words(key)} {_words(value)}"


def _number(text: str) -> int:
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=7).digest()
    return int.from_bytes(digest, "big")


def _angle(left: Vectors, right: Vectors, sharpness: float) -> Vectors:
    result: Vectors = np.exp(sharpness * (left @ right.T - 1))
    return result


def _distance(left: Vectors, right: Vectors) -> Vectors:
    squares = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
    result: Vectors = np.exp(-squares)
    return result
