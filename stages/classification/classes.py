"""Which tags become classes: those of which enough images show that one and none of the others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

import tag_vocab
from pipeline.schema import STATUS_OK
from skyscript import chance
from stages.classification.config import ClassificationConfig
from stages.classification.spatial import Mask, Rows
from tag_vocab.vocabulary import is_attribute

TOO_FEW = "too few images"
AMBIGUOUS = "too few images that show it and no other class"
TAKES = "would leave another class too few images"
NOT_NEEDED = "there were enough classes"
_ORDERS = 64
"""Orders of joining that are tried at most."""
_JITTER = 4.0
"""How many times more or less often seen a class may count as in such an order."""


class Mentions(NamedTuple):
    """In which eligible images each class-to-be can be seen."""

    focus: Mapping[str, Rows]
    """As the focus object."""
    anywhere: Mapping[str, Rows]
    """As the focus or a neighbour."""
    tags: Mapping[str, list[str]]
    """What OSM says, key=value."""


class Choice(NamedTuple):
    """The classes, and why others are none."""

    rows: Mapping[str, Rows]
    """Of each class, all images that show it and no other; in the order of the run."""
    not_chosen: Mapping[str, str]


def mentions_of(meta: ds.Dataset, eligible: Mask) -> Mentions:
    """Read which things each eligible image shows; rows are numbered as `places_of` does."""
    focus: defaultdict[str, list[int]] = defaultdict(list)
    anywhere: defaultdict[str, list[int]] = defaultdict(list)
    tags: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row, center, around in _shown(meta, eligible):
        seen = dict(_things(center))
        for phrase, tag in seen.items():
            focus[phrase].append(row)
            tags[phrase][tag] += 1
        for other in around:
            seen.update(_things(other))
        for phrase in seen:
            anywhere[phrase].append(row)
    generic = _generic(focus, tags)
    return Mentions(
        {phrase: np.array(rows) for phrase, rows in focus.items() if phrase not in generic},
        {phrase: np.array(anywhere[phrase]) for phrase in focus if phrase not in generic},
        {phrase: sorted(counts) for phrase, counts in tags.items()},
    )


def choose_classes(mentions: Mentions, count: int, config: ClassificationConfig) -> Choice:
    """Choose classes, or as many as can be found; ``count`` is how many images the run has.

    Greedily: a class joins where it has enough images that show it and no class chosen before, and
    leaves all of those enough. What comes first decides, so several orders are tried until one
    gives as many as asked for: first what is least seen around other things, then that drawn anew.
    """
    best: Choice | None = None
    for number in range(_ORDERS):
        found = _greedy(mentions, _order(mentions, number, config), count, config)
        if best is None or len(found.rows) > len(best.rows):
            best = found
        if len(best.rows) == config.classes:
            break
    assert best is not None  # there is an order
    return best


def _order(mentions: Mentions, number: int, config: ClassificationConfig) -> list[str]:
    """Give the classes-to-be, rarely seen around others first; only order 0 plain."""
    anywhere = _counted(mentions, config)

    def place(phrase: str) -> tuple[float, int, str]:
        own = len(mentions.focus[phrase])
        jitter = chance.between(config.seed, phrase, f"order {number}", -1, 1) if number else 0.0
        return len(anywhere[phrase]) / own * _JITTER**jitter, -own, phrase

    return sorted(mentions.focus, key=place)


def _counted(mentions: Mentions, config: ClassificationConfig) -> Mapping[str, Rows]:
    """Give where a class counts as seen."""
    return mentions.focus if config.ambiguous == "focus" else mentions.anywhere


def _greedy(
    mentions: Mentions, order: Sequence[str], count: int, config: ClassificationConfig
) -> Choice:
    need, anywhere = config.per_class, _counted(mentions, config)
    classes: list[str] = []
    why: dict[str, str] = {}
    shown = np.zeros(count, np.int16)
    label = np.full(count, -1, np.int32)
    have: NDArray[np.int64] = np.zeros(config.classes, np.int64)
    for phrase in order:
        own, everywhere = mentions.focus[phrase], anywhere[phrase]
        if len(own) < need or len(classes) == config.classes:
            why[phrase] = TOO_FEW if len(own) < need else NOT_NEEDED
            continue
        gained = own[shown[own] == 0]
        taken = label[everywhere]
        lost = np.bincount(taken[taken >= 0], minlength=len(have))
        if len(gained) < need:
            why[phrase] = AMBIGUOUS
        elif (have - lost < need)[: len(classes)].any():
            why[phrase] = TAKES
        else:
            have -= lost
            have[len(classes)] = len(gained)
            label[everywhere] = -1
            label[gained] = len(classes)
            shown[everywhere] += 1
            classes.append(phrase)
    return Choice({name: np.flatnonzero(label == at) for at, name in enumerate(classes)}, why)


def _shown(
    meta: ds.Dataset, eligible: Mask
) -> Iterator[tuple[int, list[tuple[str, str]], list[list[tuple[str, str]]]]]:
    """Give each eligible image's row, its focus tags and its neighbours' tags."""
    ok = pc.field("status") == STATUS_OK
    start = 0
    for batch in meta.to_batches(columns=["center_tags", "surrounding"], filter=ok):
        rows = np.flatnonzero(eligible[start : start + len(batch)])
        some = batch.take(rows)
        centers, surroundings = (some.column(name).to_pylist() for name in some.schema.names)
        for row, center, around in zip(rows.tolist(), centers, surroundings, strict=True):
            yield start + row, center, [neighbour["tags"] for neighbour in around]
        start += len(batch)


def _things(tags: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Give the things that an object's tags name, in words, with the tag: no attributes."""
    for key, value in tags:
        if not is_attribute(key) and ";" not in value:
            words = " ".join(tag_vocab.phrase(key, value).split())
            if words:
                yield words, f"{key}={value}"


def _generic(focus: Mapping[str, list[int]], tags: Mapping[str, Counter[str]]) -> set[str]:
    """Give what only says that a thing is there (building=yes) where others say which."""
    specific = {
        tag.partition("=")[0] for phrase in focus for tag in tags[phrase] if tag[-4:] != "=yes"
    }
    return {
        phrase
        for phrase in focus
        if all(tag.endswith("=yes") and tag[:-4] in specific for tag in tags[phrase])
    }
