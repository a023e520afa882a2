"""What happens when a scene does not give a tile, row by row of the policy's table."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.errors import InputError
from skyscript.geo.tile import Box, Tile
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
from stages.fetch.next_scene import (
    Candidate,
    Chosen,
    LacksData,
    NoImage,
    Step,
    Unfit,
    first_image,
    next_step,
)

MISSING = NeverAvailable("there is no such asset", Problem.MISSING)
UNREADABLE = TryLater("the file cannot be read", Problem.UNREADABLE)
DOWN = TryLater("the service failed, 6 times", Problem.DOWN)
HEAVY = TryLater("out of memory, 2 times", Problem.TOO_HEAVY)
CLOUDY = TooCloudy("clouds over more than 20 % of the tile")
NO_ACCOUNT = InputError("there is no account")
DEFECT = ZeroDivisionError()

UNFIT = Unfit("0.9 of the tile looks like cloud", Problem.CLOUDY)

Given = Exception | float
"""What a scene does: it raises an error, or gives an image of which this share lacks data."""


def judge_data(image: TileImage, gsd: float) -> Fitness:
    if image.valid.mean() < 0.95:
        raise LacksData(0.05)
    return Fitness(0, 0, 0, 0, 1)


def fetched(*given: Given) -> tuple[Chosen, int]:
    """Try a scene for each of the given outcomes; also counts how many were tried."""
    tile = Tile(Box(0, 0, 1, 1), 10, 10)
    scenes = [
        Scene(
            scene_id=f"US/{number}",
            source="US",
            backend="folder",
            name=str(number),
            geometry=b"",
            box=tile.box,
            gsd=1.0,
            acquired=datetime(2020, 1, 1, tzinfo=UTC),
            time_precision="day",
            weight=1.0,
        )
        for number in range(len(given))
    ]
    tried = 0

    def cut(candidate: Candidate) -> TileImage:
        nonlocal tried
        tried += 1
        result = given[int(candidate.scenes[0].name)]
        if isinstance(result, Exception):
            raise result
        valid = np.arange(100).reshape(10, 10) >= 100 * result
        return TileImage(np.zeros((10, 10, 3), np.uint8), valid)

    try:
        candidates = [Candidate([scene], tile) for scene in scenes]
        return first_image(candidates, cut, judge_data), tried
    except NoImage as error:
        error.add_note(f"{tried} tried")
        raise


@pytest.mark.parametrize(
    ("error", "step", "last_step"),
    [
        (LacksData(0.05), Step.NEXT_SCENE, Step.FILTERED),
        (CLOUDY, Step.NEXT_SCENE, Step.FILTERED),
        (UNFIT, Step.NEXT_SCENE, Step.FILTERED),
        (MISSING, Step.NEXT_SCENE, Step.FILTERED),
        (UNREADABLE, Step.FAILED, Step.FAILED),
        (DOWN, Step.FAILED, Step.FAILED),
        (HEAVY, Step.FAILED, Step.FAILED),
        (NO_ACCOUNT, Step.STOP, Step.STOP),
        (DEFECT, Step.STOP, Step.STOP),
        (ImageryError("a kind that the table lacks", Problem.DOWN), Step.STOP, Step.STOP),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_leads_to_one_step(error: Exception, step: Step, last_step: Step) -> None:
    assert next_step(error, is_last=False) is step
    assert next_step(error, is_last=True) is last_step


@pytest.mark.parametrize(
    "error", [0.5, CLOUDY, UNFIT, MISSING], ids=["no data", "clouds", "unfit", "never"]
)
def test_what_a_scene_will_never_give_comes_from_the_next(error: Given) -> None:
    chosen, tried = fetched(error, 0.0)
    assert (chosen.used, tried) == (2, 2)
    assert chosen.candidate.scenes[0].scene_id == "US/1"


@pytest.mark.parametrize("error", [UNREADABLE, DOWN, HEAVY], ids=lambda error: error.problem.value)
def test_what_may_work_later_fails_and_tries_no_other_scene(error: TryLater) -> None:
    with pytest.raises(NoImage) as caught:
        fetched(error, 0.0)
    assert (caught.value.status, caught.value.problem) == ("failed", error.problem)
    assert str(caught.value) == str(error)
    assert caught.value.__notes__ == ["1 tried"]


@pytest.mark.parametrize("error", [NO_ACCOUNT, DEFECT], ids=["no account", "defect"])
def test_what_no_tile_can_survive_stops_the_run(error: Exception) -> None:
    with pytest.raises(type(error)):
        fetched(error, 0.0)


@pytest.mark.parametrize(
    ("given", "problem", "reason"),
    [
        ([MISSING, CLOUDY], "missing", "there is no such asset"),
        ([CLOUDY, MISSING], "no_imagery", "clouds over more than 20 % of the tile"),
        ([UNFIT, 0.5], "cloudy", "0.9 of the tile looks like cloud"),
        ([0.5, MISSING], "missing", "there is no such asset"),
        ([0.5, 1.0], "no_imagery", "no image with at most 0.05 of the tile without data"),
    ],
)
def test_a_tile_that_no_scene_gives_is_filtered_with_the_first_reason(
    given: list[Given], problem: str, reason: str
) -> None:
    with pytest.raises(NoImage) as caught:
        fetched(*given)
    assert str(caught.value) == reason
    assert (caught.value.status, caught.value.problem) == ("filtered", problem)


def test_a_failure_behind_other_scenes_fails_the_tile() -> None:
    with pytest.raises(NoImage) as caught:
        fetched(0.5, MISSING, DOWN, 0.0)
    assert (caught.value.status, caught.value.problem) == ("failed", Problem.DOWN)
    assert caught.value.__notes__ == ["3 tried"]


def test_an_image_may_lack_a_little() -> None:
    chosen, tried = fetched(0.04, 0.0)
    assert (chosen.used, tried) == (1, 1)
    assert chosen.nodata_share == pytest.approx(0.04)
