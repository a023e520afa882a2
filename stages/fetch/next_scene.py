"""Which of a tile's candidates gives its image, and what happens when one does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from pipeline.schema import STATUS_FAILED, STATUS_FILTERED
from skyscript.geo.tile import Tile
from skyscript.imagery.fitness import Fitness
from skyscript.imagery.protocol import (
    ImageryError,
    NeverAvailable,
    Problem,
    Scene,
    TileImage,
    TooCloudy,
    TryLater,
)


class Candidate(NamedTuple):
    """A tile and the scenes that show it: one, or several with the first on top."""

    scenes: Sequence[Scene]
    tile: Tile

    @property
    def gsd(self) -> float:
        """Give the metres of a pixel."""
        return self.scenes[0].gsd


class Chosen(NamedTuple):
    """The image of a tile and where it comes from."""

    used: int
    """How many candidates were tried."""
    candidate: Candidate
    image: TileImage
    fitness: Fitness
    judged: bool
    """Whether an image before it was rejected by what it shows."""

    @property
    def nodata_share(self) -> float:
        """Give the share of the tile that lacks data."""
        return 1 - float(self.image.valid.mean())


class LacksData(ImageryError):
    """Too much of the tile has no data in the scene."""

    def __init__(self, limit: float) -> None:
        reason = f"no image with at most {limit:.3g} of the tile without data"
        super().__init__(reason, Problem.NO_IMAGERY)


class Unfit(ImageryError):
    """The tile's pixels do not show the ground: blank, cloud, haze or blur."""


class NoImage(Exception):
    """No scene gives the tile: the row's status, and the error that is recorded.

    ``judged``: an image was rejected by what it shows.
    """

    def __init__(self, status: str, error: ImageryError, *, judged: bool) -> None:
        super().__init__(str(error))
        self.status, self.problem, self.judged = status, error.problem, judged


class Step(Enum):
    """What follows an error."""

    NEXT_SCENE = "next scene"
    FILTERED = "filtered"
    FAILED = "failed"
    STOP = "stop"


def next_step(error: Exception, *, is_last: bool) -> Step:
    """Say what follows when a scene does not give a tile; ``is_last``: no scene is left to try.

    ================================================  ================  ==========================
    event                                             error             what happens
    ================================================  ================  ==========================
    the scene has no data for too much of the tile    `LacksData`       next scene, else filtered
    clouds cover too much of the tile                 `TooCloudy`       next scene, else filtered
    the tile is blank, cloudy, hazy or blurred        `Unfit`           next scene, else filtered
    the scene can never give the tile: no such file,  `NeverAvailable`  next scene, else filtered
    band or grid, or the service refuses the request
    a file on disk could not be read                  `TryLater`        failed, no other scene
    the service failed, was busy, or found the tile   `TryLater`        failed, no other scene
    too heavy, and retries did not help
    no account, or the circuit breaker opened         `InputError`      stop: the run ends
    a defect of the program                           any other         stop: the run ends
    ================================================  ================  ==========================

    After `TryLater` no other scene is tried, so that the choice of image never depends on an
    outage. A filtered row is final; a failed one is tried again by ``--retry``.
    """
    match error:
        case TryLater():
            return Step.FAILED
        case LacksData() | TooCloudy() | Unfit() | NeverAvailable():
            return Step.FILTERED if is_last else Step.NEXT_SCENE
        case _:
            return Step.STOP


def first_image(
    candidates: Sequence[Candidate],
    cut: Callable[[Candidate], TileImage],
    judge: Callable[[TileImage, float], Fitness],
) -> Chosen:
    """Give the image of the first candidate that has a fit one, or raise `NoImage`.

    ``judge``, given an image and its GSD, raises `LacksData` or `Unfit`. The recorded reason is
    that of the first scene; that a scene lacks data is recorded only if nothing else went wrong.
    """
    errors: list[ImageryError] = []
    for used, candidate in enumerate(candidates, start=1):
        try:
            image = cut(candidate)
            return Chosen(used, candidate, image, judge(image, candidate.gsd), _has_unfit(errors))
        except Exception as error:
            step = next_step(error, is_last=used == len(candidates))
            if step is Step.STOP or not isinstance(error, ImageryError):
                raise
            if step is Step.FAILED:
                raise NoImage(STATUS_FAILED, error, judged=_has_unfit(errors)) from error
            errors.append(error)
            if step is Step.FILTERED:
                other = [each for each in errors if not isinstance(each, LacksData)]
                first = (other or errors)[0]
                raise NoImage(STATUS_FILTERED, first, judged=_has_unfit(errors)) from error
    raise AssertionError("a planned tile has a candidate, and the last one returns or raises")


def _has_unfit(errors: Sequence[ImageryError]) -> bool:
    return any(isinstance(error, Unfit) for error in errors)
