"""Draws the sample: texts of all concepts, sources, resolutions and kinds, rare ones more often.

A stratum holds the texts of one kind on the images of one concept, one source and one range of GSD.
Its share of the sample goes with the square root of its size, so that rare concepts are judged too.
Strata that would get fewer than two texts are joined. The weight of a text corrects for this: it is
the number of texts that it stands for. Of the statements on one image, one is drawn; more only if
there are too few images.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow.dataset as ds

from pipeline.errors import InputError
from skyscript import chance
from skyscript.files.verdicts import CAPTION
from skyscript.osm.tags import Tags
from stages.judged.config import JudgedConfig
from stages.judged.units import Unit, units_of
from tag_vocab import concepts_of

LEAST = 2
"""The fewest texts of a stratum: one alone does not tell how much they differ."""
_SPARE = 4
"""Candidates for each text to draw: the image of a candidate may be taken already."""
_NOTHING = {
    "captions": "The run has no image with a caption to judge.",
    "statements": "The run has no statement that pixels can show; add kinds to statements.kinds.",
}
_OTHER = "other concepts"
_EVERY = "all"


class Stratum(NamedTuple):
    """What the texts of a stratum have in common."""

    concept: str
    source: str
    gsd: str
    """A range, as in ``0.5 to 1 m``."""
    kind: str = CAPTION

    def joined(self) -> Stratum:
        """Give the stratum to join this one to, if it is too small."""
        if self.concept != _OTHER:
            return self._replace(concept=_OTHER)
        if self.source != _EVERY:
            return Stratum(_OTHER, _EVERY, _EVERY, self.kind)
        return Stratum(_OTHER, _EVERY, _EVERY, _EVERY)


class Sample(NamedTuple):
    """The texts to judge, in the order of the run, with the sizes of their strata."""

    units: list[Unit]
    strata: list[Stratum]
    """The stratum of each unit, joined where it is too small."""
    sizes: Mapping[Stratum, int]
    """The number of texts of each stratum in the run."""


def gsd_range(gsd: float) -> str:
    """Give the range of GSDs, from one power of two to the next, that a GSD lies in."""
    low = 2.0 ** math.floor(math.log2(gsd))
    return f"{low:g} to {2 * low:g} m"


def stratum_of(unit: Unit) -> Stratum:
    """Give the stratum of an image's concept, its source and its GSD, and of the kind of text."""
    concept = _concept(unit.tags, unit.object_id[0])
    return Stratum(concept, unit.source, gsd_range(unit.gsd), unit.kind)


@functools.lru_cache(maxsize=1 << 13)
def _concept(tags: Tags, kind: str) -> str:
    """Give the first concept of a focus object, or its first tag if no concept names it."""
    found = concepts_of(dict(tags), kind)  # type: ignore[arg-type] # the first letter of an id
    return found[0].name if found else "=".join(tags[0])


def draw(meta: ds.Dataset, said: ds.Dataset, config: JudgedConfig) -> Sample:
    """Draw the sample of a run from its captions or statements. Raises `InputError` without any."""
    counts = Counter(stratum_of(unit) for unit in units_of(meta, said, config))
    if not counts:
        raise InputError(_NOTHING[config.what])
    joined = join_small(counts, config.sample)
    sizes: Counter[Stratum] = Counter()
    for stratum, size in counts.items():
        sizes[joined[stratum]] += size
    wanted = allocate(sizes, config.sample)
    # The lowest draws of each stratum, as a heap with the highest on top.
    kept: dict[Stratum, list[_Drawn]] = {stratum: [] for stratum in sizes}
    for row, unit in enumerate(units_of(meta, said, config)):
        stratum = joined[stratum_of(unit)]
        heap = kept[stratum]
        entry = _Drawn(-chance.uniform(config.seed, unit.unit_id, "judge"), -row, unit)
        if len(heap) < _SPARE * wanted[stratum]:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)
    chosen = sorted(
        (-one.before, one.unit, stratum) for stratum, one in _on_different_images(kept, wanted)
    )
    return Sample([unit for _, unit, _ in chosen], [s for _, _, s in chosen], sizes)


class _Drawn(NamedTuple):
    draw: float
    """From 0 down to -1: the highest ones are chosen."""
    before: int
    """The number of the text in the run, times -1."""
    unit: Unit


def _on_different_images(
    kept: Mapping[Stratum, Sequence[_Drawn]], wanted: Mapping[Stratum, int]
) -> Iterator[tuple[Stratum, _Drawn]]:
    """Choose of each stratum as many as are wanted, if possible none on an image chosen before.

    Strata with the fewest texts to spare choose first.
    """
    used: Counter[str] = Counter()
    for stratum in sorted(kept, key=lambda one: (len(kept[one]) - wanted[one], one)):
        here: Counter[str] = Counter()
        turns: list[tuple[int, int, _Drawn]] = []
        for place, one in enumerate(sorted(kept[stratum], reverse=True)):
            image = one.unit.object_id
            turns.append((used[image] + here[image], place, one))
            here[image] += 1
        for _, _, one in sorted(turns)[: wanted[stratum]]:
            used[one.unit.object_id] += 1
            yield stratum, one


def join_small(counts: Mapping[Stratum, int], sample: int) -> dict[Stratum, Stratum]:
    """Give the stratum that each one is joined to, so that each gets at least `LEAST`."""
    joined = {stratum: stratum for stratum in counts}
    for _ in range(3):  # rare concepts of a source and GSD; what is left of a kind; of all kinds
        sizes: Counter[Stratum] = Counter()
        for stratum, size in counts.items():
            sizes[joined[stratum]] += size
        whole = sum(map(math.sqrt, sizes.values()))
        small = {
            stratum
            for stratum, size in sizes.items()
            if size < LEAST or sample * math.sqrt(size) / whole < LEAST
        }
        joined = {one: to.joined() if to in small else to for one, to in joined.items()}
    return joined


def allocate(sizes: Mapping[Stratum, int], sample: int) -> dict[Stratum, int]:
    """Give the number of texts to judge of each stratum; no more than it has."""
    given = {stratum: min(LEAST, size) for stratum, size in sizes.items()}

    def turn(stratum: Stratum) -> tuple[float, Stratum]:
        return -math.sqrt(sizes[stratum]) / (given[stratum] + 0.5), stratum

    line = [turn(stratum) for stratum in sizes if given[stratum] < sizes[stratum]]
    heapq.heapify(line)
    for _ in range(sample - sum(given.values())):
        if not line:
            break
        _, stratum = heapq.heappop(line)
        given[stratum] += 1
        if given[stratum] < sizes[stratum]:
            heapq.heappush(line, turn(stratum))
    return given


def groups(units: Sequence[Unit], by: Sequence[str]) -> Iterator[tuple[str, str, list[int]]]:
    """Yield what the units are grouped by, the name of each group, and the numbers of its units."""
    strata = [stratum_of(unit) for unit in units]
    for field in by:
        names: list[str] = [getattr(stratum, field) for stratum in strata]
        order = sorted(range(len(units)), key=names.__getitem__)
        for name, numbers in itertools.groupby(order, key=names.__getitem__):
            yield field, name, list(numbers)
