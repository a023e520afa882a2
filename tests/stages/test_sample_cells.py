"""Which of the occupied cells are drawn."""

import math
from collections import Counter

import duckdb
import pyarrow as pa
import pytest

from stages.sample import SampleConfig
from stages.sample.cells import draw_cells


def drawn_rows(places, draw):
    """Count by the cells' y how often they are drawn: four of them with each of 500 seeds."""
    columns = {"x": [x for x, _ in places], "y": [y for _, y in places]}
    counts = Counter()
    with duckdb.connect() as connection:
        connection.register("candidates", pa.table(columns))
        for seed in range(500):
            config = SampleConfig(seed=seed, cell_draw=draw)
            counts.update(draw_cells(connection, 4, config)["y"].to_pylist())
    return counts


@pytest.mark.slow
def test_cells_are_drawn_by_their_area_where_that_is_wanted():
    places = [(x, y) for x in range(30) for y in (0, 7500)]
    even, by_area = (drawn_rows(places, draw) for draw in ("occupied", "area"))
    assert even[0] / even[7500] == pytest.approx(1, rel=0.15)
    assert by_area[0] / by_area[7500] == pytest.approx(1 / math.cos(math.radians(75)), rel=0.15)


@pytest.mark.slow
def test_full_cells_are_drawn_less_often_where_that_is_wanted():
    places = [(x, y) for x in range(30) for y in (0, *[100] * 5)]
    even, against = (drawn_rows(places, draw) for draw in ("occupied", "inverse_density"))
    assert even[0] / even[100] == pytest.approx(1, rel=0.15)
    assert against[0] / against[100] == pytest.approx(5, rel=0.15)
