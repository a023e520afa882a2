"""Compares a run with benchmarks, and its training images with those that it sets aside."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.dataset as ds

from pipeline.errors import InputError
from pipeline.events import Event, TaskProgress
from pipeline.out_folder import refuse_run
from pipeline.scratch import database, scratch
from skyscript.files.pairs_csv import PairsCsv
from stages.leakage.config import OFF, LeakageConfig
from stages.leakage.matches import Match, write_matches
from stages.leakage.outputs import Counts, Leaks, write_outputs
from stages.leakage.pictures import Benchmark, Paths, Picture, pictures_of_run
from stages.leakage.places import PlaceIndex
from stages.leakage.search import Looked, find_copies, in_batches

_SPLIT = re.compile(r"SkyScript_(train|val|test)_.*filtered_by_.*\.csv")
_BATCH = 1024
Ours = Callable[[], Iterator[Picture]]


def leakage(
    run: Path,
    images: ds.Dataset,
    benchmarks: Sequence[Benchmark],
    out: Path,
    config: LeakageConfig,
    show: Callable[[Event], object],
) -> Leaks:
    """Write the pairs of equal images to ``out``, and which of ours to leave out.

    Each image of the run is compared with all benchmarks; each training image also with the images
    that the filtered files of the run set aside. Raises `InputError` for an invalid benchmark, and
    for a captions file that names no image of the run.
    """
    refuse_run(out)
    sides = _sides(run, images, benchmarks, config)
    looked: list[tuple[Picture, str]] = []
    with scratch(out, "leakage") as folder, database(folder) as connection:
        found = folder / "matches.parquet"
        write_matches(found, _all(sides, config, Folders(run, out, folder), looked, show))
        everything = [picture for side in sides for picture in side.theirs]
        placed = Counter(picture.group for picture in everything if picture.box)
        counts = Counts(
            sides[0].size, Counter(picture.group for picture in everything), placed, looked
        )
        return write_outputs(connection, found, out, config, counts)


class Side(NamedTuple):
    """Images that training must not see, and those of the run to compare them with."""

    theirs: Sequence[Picture]
    ours: Ours
    size: int
    """The number of ours."""


class Folders(NamedTuple):
    """The folders of a comparison."""

    run: Path
    out: Path
    scratch: Path


def _sides(
    run: Path, images: ds.Dataset, benchmarks: Sequence[Benchmark], config: LeakageConfig
) -> list[Side]:
    """Give the benchmarks beside all images, and what is set aside beside those of training."""
    chosen = _chosen(config, run, images)
    theirs = [picture for one in _named(run, benchmarks) for picture in one.pictures()]
    splits = _splits(run)
    aside = _aside(run, images, splits)
    training = Paths(path for file in splits["train"] for path in _paths_of(file))
    if not theirs and not aside:
        raise InputError(
            f"{run}: name a benchmark, the folder of its images; the run itself has no filtered "
            "files that set test pairs aside."
        )

    def everyone() -> Iterator[Picture]:
        for picture in pictures_of_run(run, images, ""):
            if chosen is None or picture.path in chosen:
                yield picture

    def trained() -> Iterator[Picture]:
        return (picture for picture in everyone() if picture.path in training)

    return [
        Side(theirs, everyone, sum(1 for _ in everyone())),
        Side(aside, trained, sum(1 for _ in trained())),
    ]


def _all(
    sides: Sequence[Side],
    config: LeakageConfig,
    folders: Folders,
    looked: list[tuple[Picture, str]],
    show: Callable[[Event], object],
) -> Iterator[Match]:
    """Yield all pairs, of each kind. Unusable images go to ``looked``, with the reason."""
    for side, phase in zip(sides, ("benchmarks", "splits"), strict=True):
        if not side.theirs or not side.size:
            continue
        numbers = itertools.count(1)

        def done(numbers: Iterator[int] = numbers, side: Side = side, phase: str = phase) -> None:
            show(TaskProgress("leakage", phase, next(numbers), side.size, "steps"))

        yield from find_copies(
            side.theirs, side.ours, config, folders.scratch, Looked(looked, done)
        )
        yield from _by_place(side.theirs, side.ours, config)
        if config.model != OFF:
            yield from _by_vector(side.theirs, side.ours, config, folders)


def _by_place(theirs: Sequence[Picture], ours: Ours, config: LeakageConfig) -> Iterator[Match]:
    index = PlaceIndex(theirs, config.apart)
    if len(index):
        for batch in in_batches(ours(), _BATCH):
            yield from index.matches(batch)


def _by_vector(
    theirs: Sequence[Picture], ours: Ours, config: LeakageConfig, folders: Folders
) -> Iterator[Match]:
    from stages.leakage.vectors import VectorIndex

    index = VectorIndex(theirs, config, folders.run, folders.out)
    for batch in in_batches(ours(), _BATCH):
        yield from index.matches(batch)


def _named(run: Path, benchmarks: Sequence[Benchmark]) -> Sequence[Benchmark]:
    """Give the benchmarks. Raises `InputError` if one is the run, or if two have the same name."""
    for one in benchmarks:
        if one.folder.resolve() == run.resolve():
            raise InputError(
                f"{one.folder}: is the run itself, whose own training and test files are compared "
                "in any case; name the folder of a benchmark, or another run."
            )
    names = Counter(one.name for one in benchmarks)
    if twice := [one.folder for one in benchmarks if names[one.name] > 1]:
        raise InputError(
            f"{twice[0]} and {twice[1]}: two benchmarks have the same name; rename a folder."
        )
    return benchmarks


def _chosen(config: LeakageConfig, run: Path, images: ds.Dataset) -> Paths | None:
    """Give the paths that the captions files name; None if there is no such file."""
    if not config.captions:
        return None
    known = Paths(picture.path for picture in pictures_of_run(run, images, ""))
    for file in config.captions:
        for path in _paths_of(file):
            if path not in known:
                raise InputError(f"{file}: {path!r} is not an image of {run}.")
    return Paths(path for file in config.captions for path in _paths_of(file))


def _paths_of(file: Path) -> Iterator[str]:
    return (path for (path,) in PairsCsv(file, ("filepath",)).rows(["filepath"]))


def _splits(run: Path) -> dict[str, list[Path]]:
    """Give the filtered files of a run, by their split."""
    found: dict[str, list[Path]] = {"train": [], "val": [], "test": []}
    for file in sorted(run.glob("SkyScript_*_filtered_by_*.csv")):
        if name := _SPLIT.fullmatch(file.name):
            found[name[1]].append(file)
    return found


def _aside(run: Path, images: ds.Dataset, splits: Mapping[str, Sequence[Path]]) -> list[Picture]:
    """Give the images that the filtered files of a run set aside, by split."""
    split_of = {
        path: split
        for split in ("val", "test")
        for file in splits[split]
        for path in _paths_of(file)
    }
    return [
        picture._replace(group=f"{split_of[picture.path]} of this run")
        for picture in pictures_of_run(run, images, "")
        if picture.path in split_of
    ]
