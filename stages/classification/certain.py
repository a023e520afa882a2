"""The table ``truth`` of the run decides what an image shows: its class, and other classes.

An image counts for the class of its focus object only if it certainly shows it. An image that
certainly shows another class is no image of this one, although no tag there has the words of that
class: a wood is a forest. Where the truth is unknown, the tags decide.

What a class is in the tree of concepts follows from its focus objects: the concepts that an object
shows because of the tag. ``sport=tennis`` makes a pitch a tennis court.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from skyscript.captions.tile_concepts import things_in_tiles
from skyscript.files.truth import NO, YES
from stages.classification.classes import Mentions, name_things, read_tags
from stages.classification.spatial import Mask, Places, Rows

Concepts = frozenset[str]
Tags = list[tuple[str, str]]


class Others(NamedTuple):
    """Shares of the pairs of an image and a class that is not its own, by the table ``truth``."""

    shown: float
    absent: float
    unknown: float

    def line(self) -> str:
        """Describe them in a line for the terminal."""
        return (
            f"of the images and the classes that they are not of, {self.absent:.0%} are certainly "
            f"not shown, {self.shown:.0%} certainly are, and {self.unknown:.0%} are unknown"
        )


class Certain(NamedTuple):
    """The mentions that the truth confirms or adds, and what each class is in its concepts."""

    mentions: Mentions
    concepts: Mapping[str, Concepts]
    """For each class, the concepts that most of its focus objects show."""
    truth: ds.Dataset
    places: Places


def keep_certain(
    mentions: Mentions, meta: ds.Dataset, truth: ds.Dataset, places: Places, eligible: Mask
) -> Certain:
    """Give the mentions that the truth confirms, and those that it adds."""
    by_concepts = _group_by_concepts(meta, places, eligible)
    concepts = {
        phrase: max(groups, key=lambda one: (len(groups[one]), sorted(one)))
        for phrase, groups in by_concepts.items()
        if phrase in mentions.focus
    }
    names = {name for groups in by_concepts.values() for one in groups for name in one}
    shown = _Rows.read(truth, YES, places, np.flatnonzero(eligible), names)
    focus = {
        phrase: _join(
            np.intersect1d(rows, shown.with_all(one)) for one, rows in by_concepts[phrase].items()
        )
        for phrase in mentions.focus
    }
    anywhere = {
        phrase: np.union1d(rows, shown.with_all(concepts[phrase]))
        for phrase, rows in mentions.anywhere.items()
    }
    confirmed = mentions._replace(focus=focus, anywhere=anywhere)
    return Certain(confirmed, concepts, truth, places)


def judge_others(chosen: Mapping[str, Rows], certain: Certain) -> Others:
    """Give the shares of the pairs of a chosen image and another class, by the table ``truth``.

    A pair counts by what the table says of it: the image shows that other class, does not show it,
    or it is unknown.
    """
    every = np.sort(np.concatenate([*chosen.values()]))
    names = {name for phrase in chosen for name in certain.concepts[phrase]}
    shown, lacking = (
        _Rows.read(certain.truth, verdict, certain.places, every, names) for verdict in (YES, NO)
    )
    yes = no = 0
    for phrase, rows in chosen.items():
        others, concepts = np.setdiff1d(every, rows), certain.concepts[phrase]
        yes += len(np.intersect1d(others, shown.with_all(concepts)))
        no += len(np.intersect1d(others, lacking.with_any(concepts)))
    pairs = len(every) * (len(chosen) - 1)
    return Others(yes / pairs, no / pairs, (pairs - yes - no) / pairs)


def _group_by_concepts(
    meta: ds.Dataset, places: Places, eligible: Mask
) -> dict[str, dict[Concepts, Rows]]:
    """Give for each class its focus images by the concepts that they show because of it."""
    found: defaultdict[str, defaultdict[Concepts, list[int]]]
    found = defaultdict(lambda: defaultdict(list))
    for row, center, _ in read_tags(meta, eligible):
        kind = str(places.object_ids[row])[0]
        for phrase, tag in dict(name_things(center)).items():
            found[phrase][_because_of(tuple(center), tag, kind)].append(row)
    return {
        phrase: {one: np.array(rows, np.int64) for one, rows in groups.items()}
        for phrase, groups in found.items()
    }


@functools.lru_cache(maxsize=1 << 15)
def _because_of(tags: tuple[tuple[str, str], ...], tag: str, kind: str) -> Concepts:
    """Give the concepts that an object shows because of a tag; those of the tag alone if none."""
    whole, without = dict(tags), {key: value for key, value in tags if f"{key}={value}" != tag}
    key, _, value = tag.partition("=")
    return (_things(whole, kind) - _things(without, kind)) or _things({key: value}, kind)


def _things(tags: Mapping[str, str], kind: str) -> Concepts:
    return frozenset(one.name for one in things_in_tiles(tags, kind))


class _Rows:
    """The images of which the truth gives one verdict, by concept."""

    def __init__(self, by_concept: Mapping[str, Rows]) -> None:
        self._by_concept = by_concept

    @classmethod
    def read(
        cls, truth: ds.Dataset, verdict: str, places: Places, rows: Rows, names: Iterable[str]
    ) -> _Rows:
        """Read, for the given concepts, which of the given rows have the verdict."""
        found: dict[str, list[Rows]] = {name: [] for name in sorted(names)}
        ids = places.object_ids.take(pa.array(rows)).combine_chunks()
        wanted = (pc.field("verdict") == verdict) & pc.field("concept").isin([*found])
        for batch in truth.to_batches(columns=["object_id", "concept"], filter=wanted):
            at = pc.index_in(batch["object_id"], value_set=ids)
            known = np.flatnonzero(pc.is_valid(at).to_numpy(zero_copy_only=False))
            image = rows[at.take(pa.array(known)).to_numpy()]
            concept = batch["concept"].take(pa.array(known)).to_numpy(zero_copy_only=False)
            for name in dict.fromkeys(concept.tolist()):
                found[name].append(image[concept == name])
        return cls({name: _join(parts) for name, parts in found.items()})

    def with_all(self, concepts: Concepts) -> Rows:
        """Give the images that have the verdict for each of the concepts; none without concepts."""
        parts = [self._by_concept[name] for name in sorted(concepts)]
        return functools.reduce(np.intersect1d, parts) if parts else _join(())

    def with_any(self, concepts: Concepts) -> Rows:
        """Give the images that have the verdict for at least one of the concepts."""
        return _join(self._by_concept[name] for name in concepts)


def _join(parts: Iterable[Rows]) -> Rows:
    return np.unique(np.concatenate([np.zeros(0, np.int64), *parts]))
