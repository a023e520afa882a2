"""Chooses the tags that become classes: enough images must show one class and no other class."""

from __future__ import annotations

import math
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
UNCERTAIN = "too few images that certainly show it"
AMBIGUOUS = "too few images that show it and no other class"
TAKES = "would leave another class too few images"
NOT_NEEDED = "there were enough classes"
_ORDERS = 64
"""Maximum number of orders of candidates to try."""
_JITTER = 4.0
"""Maximum random factor on a candidate's sort key in all orders but the first."""


class Mentions(NamedTuple):
    """The eligible images that show each candidate class."""

    focus: Mapping[str, Rows]
    """The images that show it as the focus object."""
    anywhere: Mapping[str, Rows]
    """The images that show it as the focus object or as a neighbour."""
    tags: Mapping[str, list[str]]
    """The OSM tags of the class, as key=value."""
    tagged: Mapping[str, int]
    """The number of images whose focus object has such a tag."""


class Choice(NamedTuple):
    """The chosen classes, and for each other candidate the reason why it is not chosen."""

    rows: Mapping[str, Rows]
    """For each class, all images that show it and no other class, in the order of the run."""
    not_chosen: Mapping[str, str]


def read_mentions(meta: ds.Dataset, eligible: Mask) -> Mentions:
    """Read what each eligible image shows. Rows have the same numbers as in `read_places`."""
    focus: defaultdict[str, list[int]] = defaultdict(list)
    anywhere: defaultdict[str, list[int]] = defaultdict(list)
    tags: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row, center, around in read_tags(meta, eligible):
        seen = dict(name_things(center))
        for phrase, tag in seen.items():
            focus[phrase].append(row)
            tags[phrase][tag] += 1
        for other in around:
            seen.update(name_things(other))
        for phrase in seen:
            anywhere[phrase].append(row)
    generic = _find_generic(focus, tags)
    return Mentions(
        {phrase: np.array(rows) for phrase, rows in focus.items() if phrase not in generic},
        {phrase: np.array(anywhere[phrase]) for phrase in focus if phrase not in generic},
        {phrase: sorted(counts) for phrase, counts in tags.items()},
        {phrase: len(rows) for phrase, rows in focus.items() if phrase not in generic},
    )


def choose_classes(mentions: Mentions, count: int, config: ClassificationConfig) -> Choice:
    """Choose the classes, or fewer if there are not enough; ``count`` is the run's image count.

    The choice is greedy. A candidate becomes a class if enough images show it and no earlier class,
    and if all earlier classes keep enough images. The result depends on the order of candidates,
    so several orders are tried until one gives enough classes. The first order starts with
    candidates that are rarely neighbours of other things. The others are random changes of it.
    """
    best: Choice | None = None
    for number in range(_ORDERS):
        order = _sort_candidates(mentions, number, config)
        found = _choose_greedily(mentions, order, count, config)
        if best is None or len(found.rows) > len(best.rows):
            best = found
        if len(best.rows) == config.classes:
            break
    assert best is not None  # the loop runs at least once
    return best


def _sort_candidates(mentions: Mentions, number: int, config: ClassificationConfig) -> list[str]:
    """Sort candidates, rare neighbours first. All orders but number 0 have a random factor."""
    anywhere = _choose_images(mentions, config)

    def key(phrase: str) -> tuple[float, int, str]:
        own = len(mentions.focus[phrase])
        if not own:
            return math.inf, 0, phrase
        jitter = chance.between(config.seed, phrase, f"order {number}", -1, 1) if number else 0.0
        return len(anywhere[phrase]) / own * _JITTER**jitter, -own, phrase

    return sorted(mentions.focus, key=key)


def _choose_images(mentions: Mentions, config: ClassificationConfig) -> Mapping[str, Rows]:
    """Return, for each candidate, the images that count as showing it."""
    return mentions.focus if config.ambiguous == "focus" else mentions.anywhere


def _choose_greedily(
    mentions: Mentions, order: Sequence[str], count: int, config: ClassificationConfig
) -> Choice:
    need, anywhere = config.per_class, _choose_images(mentions, config)
    classes: list[str] = []
    why: dict[str, str] = {}
    shown = np.zeros(count, np.int16)
    label = np.full(count, -1, np.int32)
    have: NDArray[np.int64] = np.zeros(config.classes, np.int64)
    for phrase in order:
        own, everywhere = mentions.focus[phrase], anywhere[phrase]
        if len(own) < need or len(classes) == config.classes:
            why[phrase] = NOT_NEEDED
            if len(own) < need:
                why[phrase] = TOO_FEW if mentions.tagged[phrase] < need else UNCERTAIN
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


def read_tags(
    meta: ds.Dataset, eligible: Mask
) -> Iterator[tuple[int, list[tuple[str, str]], list[list[tuple[str, str]]]]]:
    """Yield each eligible image's row, its focus tags and its neighbours' tags."""
    ok = pc.field("status") == STATUS_OK
    start = 0
    for batch in meta.to_batches(columns=["center_tags", "surrounding"], filter=ok):
        rows = np.flatnonzero(eligible[start : start + len(batch)])
        some = batch.take(rows)
        centers, surroundings = (some.column(name).to_pylist() for name in some.schema.names)
        for row, center, around in zip(rows.tolist(), centers, surroundings, strict=True):
            yield start + row, center, [neighbour["tags"] for neighbour in around]
        start += len(batch)


def name_things(tags: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the phrase of each tag that is not an attribute, with the tag."""
    for key, value in tags:
        if not is_attribute(key) and ";" not in value:
            words = " ".join(tag_vocab.phrase(key, value).split())
            if words:
                yield words, f"{key}={value}"


def _find_generic(focus: Mapping[str, list[int]], tags: Mapping[str, Counter[str]]) -> set[str]:
    """Find phrases that only come from tags like building=yes, if the key has other values too."""
    specific = {
        tag.partition("=")[0] for phrase in focus for tag in tags[phrase] if tag[-4:] != "=yes"
    }
    return {
        phrase
        for phrase in focus
        if all(tag.endswith("=yes") and tag[:-4] in specific for tag in tags[phrase])
    }
