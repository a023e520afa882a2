"""The tests of an evaluation that a run's statements make, beside the published benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import InputError
from skyscript.clip.vectors.embed import Progress
from stages.evaluate import choices, regions
from stages.evaluate.config import EvaluateConfig
from stages.evaluate.model import Tower


class Test(NamedTuple):
    """A test that is ready to run."""

    name: str
    work: int
    """The number of images and texts."""
    run: Callable[[Tower, Path, Progress], dict[str, Any]]
    """Gives the figures, and writes details to the folder."""


def find_tests(config: EvaluateConfig, taken: Collection[str]) -> list[Test]:
    """Read the tests that the options name. Raises `InputError` if one cannot be used.

    ``taken`` holds the names of the sets of the benchmarks.
    """
    found = []
    if config.choices is not None:
        questions = choices.read_choices(config.choices)
        found.append(Test(choices.NAME, questions.work, questions.answer))
    if config.regions is not None:
        boxes = regions.read_regions(config.regions)
        found.append(Test(regions.NAME, boxes.work, boxes.match))
    for test in found:
        if test.name in taken:
            raise InputError(f"{config.benchmarks}: rename the set {test.name!r}.")
    return found
