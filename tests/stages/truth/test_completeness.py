"""The completeness of the map: a cell is compared with those around."""

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from skyscript.geo.tile import Box
from skyscript.osm.density import counts_in, with_cell
from stages import tables
from stages.truth.completeness import Completeness
from stages.truth.config import TruthConfig

HERE = Box(0.021, 0.021, 0.022, 0.022)  # in the cell 2/2
AROUND = [(x, y) for x in range(5) for y in range(5) if (x, y) != (2, 2)]


def counted(here, around, revisited=0.5):
    """Give the completeness from the counts by concept in the cell of `HERE`, and in each other."""
    rows = [
        {
            "entry": f"{x}/{y}/{name}",
            "x": x,
            "y": y,
            "concept": name,
            "objects": number,
            "revisited": int(number * (revisited if (x, y) == (2, 2) else 0.5)),
        }
        for (x, y), counts in [((2, 2), here), *((cell, around) for cell in AROUND)]
        for name, number in counts.items()
        if number
    ]
    density = with_cell(pa.Table.from_pylist(rows, tables.DENSITY.schema), 0.01)
    cells = [(2, 2), *AROUND]
    # Two parts of the table that each have some of the objects of a cell add up.
    both = ds.dataset([ds.dataset(density), ds.dataset(density)])
    return Completeness(counts_in(both, cells), 0.01, TruthConfig())


def of(name, here, around, **options):
    return counted(here, around, **options).of(HERE, name)


def test_a_cell_with_as_many_objects_as_those_around_is_complete():
    assert of("building", {"": 90, "building": 90}, {"": 90, "building": 90}) == 1


def test_a_cell_with_fewer_is_less_complete():
    few = of("building", {"": 20, "building": 20}, {"": 80, "building": 80})
    assert few == pytest.approx(0.25, abs=0.02)


def test_what_is_rare_takes_the_completeness_of_what_is_more_general():
    around = {"": 200, "building": 100, "religious building": 1, "church": 0}
    full = of("church", {"": 200, "building": 100}, around)
    half = of("church", {"": 100, "building": 50}, around)
    assert full == pytest.approx(1 / 3, abs=0.02)  # of the two expected religious buildings, none
    assert half == pytest.approx(full / 2, rel=0.05)


def test_a_cell_that_nobody_came_back_to_is_less_complete():
    counts = {"": 100, "building": 100}
    assert of("building", counts, counts, revisited=0.05) == pytest.approx(0.25)
    assert of("building", counts, counts, revisited=0.3) == 1


def test_cells_without_any_object_are_not_compared_with():
    assert of("building", {"": 10, "building": 10}, {}) == 1


def test_the_concepts_of_the_cells_around_are_known():
    found = counted({"": 1, "church": 1}, {"": 1, "railway": 1})
    assert found.known(HERE) == {"church", "railway"}
