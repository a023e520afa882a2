"""Known shifts on real images: the figures of docs/match.md on fewer tiles."""

from pathlib import Path

import numpy as np
import pytest

from tests.bench.match import Tile, auc, measure, objects_of, tiles_of_raster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def banepa(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Tile]:
    place = shared_data / "pairs" / "banepa"
    objects = objects_of(place / "osm.pbf", tmp_path_factory.mktemp("banepa"))
    return list(tiles_of_raster(place / "imagery.tif", objects, 384, 60))


def test_a_shift_of_up_to_9_m_is_found_to_a_metre(banepa: list[Tile]) -> None:
    figures = measure(banepa, worse=False)
    errors = np.array(figures.errors)
    assert (errors <= 1).mean() >= 0.95
    sure = np.array([found.confidence >= 0.5 for found in figures.right])
    assert (errors[sure] <= 1).mean() >= 0.95
    assert np.mean([found.confidence >= 0.5 for found in figures.wrong]) <= 0.1


def test_a_worse_map_is_still_told_from_that_of_another_place(banepa: list[Tile]) -> None:
    figures = measure(banepa, worse=True)
    right, wrong = ([one.match for one in some] for some in (figures.right, figures.wrong))
    assert auc(right, wrong) >= 0.95
