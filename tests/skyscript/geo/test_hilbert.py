"""Places on the Hilbert curve."""

import numpy as np

from skyscript.geo import hilbert
from skyscript.geo.hilbert import hilbert_keys


def test_the_curve_visits_every_cell_once_and_goes_from_each_to_one_beside_it(monkeypatch):
    monkeypatch.setattr(hilbert, "ORDER", 5)
    side = 2**5
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(side), np.arange(side)))
    keys = hilbert_keys((x + 0.5) / side * 360 - 180, (y + 0.5) / side * 180 - 90)
    order = np.argsort(keys)
    assert keys[order].tolist() == list(range(side * side))
    steps = np.abs(np.diff(x[order])) + np.abs(np.diff(y[order]))
    assert set(steps.tolist()) == {1}
    assert (x[order[0]], y[order[0]], x[order[-1]], y[order[-1]]) == (0, 0, side - 1, 0)


def test_two_places_a_few_metres_apart_have_their_own_keys():
    near = hilbert_keys([7.42, 7.4201], [43.73, 43.73])
    assert near[0] != near[1]


def test_the_edge_of_the_globe_and_what_lies_beyond_count_as_its_last_cell():
    edge = hilbert_keys([180, 200, -180], [90, 95, -90])
    assert edge[0] == edge[1]
    assert edge[2] == 0
