"""Draws the sample: images of all concepts, sources and resolutions, rare ones more often.

A stratum holds the images of one concept, one source and one range of GSD. Its share of the sample
goes with the square root of its size, so that rare concepts are judged too. Strata that would get
fewer than two images are joined. The weight of an image corrects for this: it is the number of
images that it stands for.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pyarrow.dataset as ds

from pipeline.errors import InputError
from skyscript import chance
from skyscript.osm.tags import Tags
from stages.captioned import Captioned, captioned_images
from stages.judged.config import JudgedConfig
from tag_vocab import concepts_of

LEAST = 2
"""The fewest images of a stratum: one alone does not tell how much they differ."""
_OTHER = "other concepts"
_EVERY = "all"


class Stratum(NamedTuple):
    """What the images of a stratum have in common."""

    concept: str
    source: str
    gsd: str
    """A range, as in ``0.5 to 1 m``."""

    def joined(self) -> Stratum:
        """Give the stratum to join this one to, if it is too small."""
        if self.concept != _OTHER:
            return Stratum(_OTHER, self.source, self.gsd)
        return Stratum(_OTHER, _EVERY, _EVERY)


class Sample(NamedTuple):
    """The images to judge, in the order of the run, with the sizes of their strata."""

    units: list[Captioned]
    strata: list[Stratum]
    """The stratum of each unit, joined where it is too small."""
    sizes: Mapping[Stratum, int]
    """The number of images of each stratum in the run."""


def gsd_range(gsd: float) -> str:
    """Give the range of GSDs, from one power of two to the next, that a GSD lies in."""
    low = 2.0 ** math.floor(math.log2(gsd))
    return f"{low:g} to {2 * low:g} m"


def stratum_of(unit: Captioned) -> Stratum:
    """Give the stratum of an image's concept, its source and its GSD."""
    return Stratum(_concept(unit.tags, unit.object_id[0]), unit.source, gsd_range(unit.gsd))


@functools.lru_cache(maxsize=1 << 13)
def _concept(tags: Tags, kind: str) -> str:
    """Give the first concept of a focus object, or its first tag if no concept names it."""
    found = concepts_of(dict(tags), kind)  # type: ignore[arg-type] # the first letter of an id
    return found[0].name if found else "=".join(tags[0])


def draw(meta: ds.Dataset, captions: ds.Dataset, config: JudgedConfig) -> Sample:
    """Draw the sample of a run. Raises `InputError` if it has no captions."""
    counts = Counter(stratum_of(unit) for unit in captioned_images(meta, captions, config.caption))
    if not counts:
        raise InputError("The run has no image with a caption to judge.")
    joined = join_small(counts, config.sample)
    sizes: Counter[Stratum] = Counter()
    for stratum, size in counts.items():
        sizes[joined[stratum]] += size
    wanted = allocate(sizes, config.sample)
    # The lowest draws of each stratum, as a heap with the highest on top.
    kept: dict[Stratum, list[tuple[float, int, Captioned]]] = {stratum: [] for stratum in sizes}
    for row, unit in enumerate(captioned_images(meta, captions, config.caption)):
        stratum = joined[stratum_of(unit)]
        heap = kept[stratum]
        entry = (-chance.uniform(config.seed, unit.object_id, "judge"), -row, unit)
        if len(heap) < wanted[stratum]:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)
    chosen = sorted(
        (-row, unit, stratum) for stratum, heap in kept.items() for _, row, unit in heap
    )
    return Sample([unit for _, unit, _ in chosen], [s for _, _, s in chosen], sizes)


def join_small(counts: Mapping[Stratum, int], sample: int) -> dict[Stratum, Stratum]:
    """Give the stratum that each one is joined to, so that each gets at least `LEAST` images."""
    joined = {stratum: stratum for stratum in counts}
    for _ in range(2):  # first all rare concepts of a source and GSD, then what is left
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
    """Give the number of images to judge of each stratum; no more than it has."""
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


def groups(units: list[Captioned]) -> Iterator[tuple[str, str, list[int]]]:
    """Yield each kind of group (concept, source, gsd), its name, and the numbers of its units."""
    for place, kind in enumerate(Stratum._fields):
        names = [stratum_of(unit)[place] for unit in units]
        order = sorted(range(len(units)), key=names.__getitem__)
        for name, numbers in itertools.groupby(order, key=names.__getitem__):
            yield kind, name, list(numbers)
