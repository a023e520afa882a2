"""Compares the images of a run with those of benchmarks, some thousand at a time."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from pipeline.cpus import count_cpus
from pipeline.schema import STATUS_FAILED
from skyscript.files.image_tars import size_of
from skyscript.imagery.gdal import load_gdal
from skyscript.images.decode import BENCHMARK, TOO_MANY_BYTES, Unusable, decode
from stages.leakage.alignment import NOTHING, Overlay, overlay, same_at
from stages.leakage.config import LeakageConfig
from stages.leakage.features import Grey, Sketch, shrunk, sketch
from stages.leakage.index import Candidate, Index
from stages.leakage.matches import MOST, Match
from stages.leakage.pictures import Picture

_BLOCK = 50_000
"""Images of benchmarks in one index, which takes up to 1 GB, and 1.7 GB on disk."""
_AT_ONCE = 256
"""Images in memory."""
_GREYS = 512

Row = TypeVar("Row")
Result = TypeVar("Result")


class Looked(NamedTuple):
    """Collects the figures of a comparison while it runs."""

    unusable: list[tuple[Picture, str]]
    """Images that cannot be decoded, with the reason."""
    done: Callable[[], None]
    """Called for each image of the run that has been compared."""


def find_copies(
    theirs: Sequence[Picture],
    ours: Callable[[], Iterator[Picture]],
    config: LeakageConfig,
    folder: Path,
    looked: Looked,
) -> Iterator[Match]:
    """Yield the pairs that are equal or near-duplicates.

    Memory holds the words of `_BLOCK` images of ``theirs`` and a few images of ``ours``.
    """
    load_gdal()
    with ThreadPoolExecutor(count_cpus()) as threads:
        for start in range(0, len(theirs), _BLOCK):
            block = theirs[start : start + _BLOCK]
            index = Index(block, _run(threads, _sketch, block), folder)
            looked.unusable.extend(index.unusable)
            work = functools.partial(_compare, index=index, config=config, load=_loader())
            for matches, reason, picture in _run(threads, work, ours()):
                if not start:
                    looked.done()
                    looked.unusable.extend([(picture, reason)] if reason else [])
                yield from matches


def in_batches(rows: Iterable[Row], size: int = _AT_ONCE) -> Iterator[list[Row]]:
    """Cut rows into lists of this size; the last one has the rest."""
    left = iter(rows)
    while batch := list(itertools.islice(left, size)):
        yield batch


def _run(
    threads: ThreadPoolExecutor, work: Callable[[Picture], Result], pictures: Iterable[Picture]
) -> Iterator[Result]:
    """Give the result of each image in order; several images are processed in parallel."""
    for batch in in_batches(pictures):
        yield from threads.map(work, batch)


def _sketch(picture: Picture) -> Sketch | Unusable:
    data = _read(picture)
    return data if isinstance(data, Unusable) else sketch(data)


def _read(picture: Picture) -> bytes | Unusable:
    try:
        if size_of(picture.file) > BENCHMARK.bytes:
            return TOO_MANY_BYTES
        return picture.file.read_bytes()
    except OSError as error:
        return Unusable(STATUS_FAILED, f"cannot be read ({error.strerror})")


def _loader() -> Callable[[Picture], Grey | None]:
    """Give a function that reads the pixels of an image; the last ones stay in memory."""

    @functools.lru_cache(maxsize=_GREYS)
    def load(picture: Picture) -> Grey | None:
        data = _read(picture)
        image = data if isinstance(data, Unusable) else decode(data, BENCHMARK)
        return None if isinstance(image, Unusable) else shrunk(image)

    return load


def _compare(
    picture: Picture, index: Index, config: LeakageConfig, load: Callable[[Picture], Grey | None]
) -> tuple[list[Match], str, Picture]:
    """Give the pairs of an image, and the reason if it cannot be decoded."""
    one = _sketch(picture)
    if isinstance(one, Unusable):
        return [], one.reason, picture
    equal = index.by_content.get(one.content, [])
    known = set(equal)
    same = [number for number in index.by_pixels.get(one.pixels, []) if number not in known]
    known.update(same)
    matches = [
        Match.of(picture, index.pictures[number], "bytes", 0.0, 1.0) for number in equal[:MOST]
    ]
    matches += [
        Match.of(picture, index.pictures[number], "pixels", 0.0, 1.0) for number in same[:MOST]
    ]
    best: dict[int, Overlay] = {}
    for candidate in index.candidates(one):
        if candidate.number not in known:
            found = _lay(one, candidate, index, load)
            if found.is_copy(config.correlation):
                best[candidate.number] = max(best.get(candidate.number, NOTHING), found)
    matches += [
        Match.of(picture, index.pictures[number], "near", 1.0 - found.correlation, found.overlap)
        for number, found in best.items()
    ]
    return matches, "", picture


def _lay(
    one: Sketch, candidate: Candidate, index: Index, load: Callable[[Picture], Grey | None]
) -> Overlay:
    """Compare the pixels of an image with those of a candidate."""
    picture = index.pictures[candidate.number]
    if candidate.symmetry is None:
        features = index.features(candidate.number)
        read = functools.partial(load, picture)
        return overlay(one, features, read, is_mirrored=candidate.is_mirrored)
    theirs = load(picture)
    return NOTHING if theirs is None else same_at(one, theirs, candidate.symmetry)
