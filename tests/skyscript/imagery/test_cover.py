"""Which images of a place are kept: every object is covered first, then the clearest."""

import shapely
from shapely.geometry import box

from skyscript.geo.tile import Box
from skyscript.imagery.cover import choose

WEST, EAST, WHOLE = box(20, 58, 24.9, 62), box(24.8, 58, 30, 62), box(20, 58, 30, 62)
LEFT, RIGHT = Box(24.75, 60.1, 24.76, 60.11), Box(24.95, 60.1, 24.96, 60.11)


def test_an_object_beyond_the_edge_of_the_clearest_images_gets_its_own() -> None:
    outlines = [WEST, WEST, WEST, EAST, WHOLE]
    assert choose(outlines, [LEFT, RIGHT], 2, gsd=0.6).kept == [0, 1, 3, 4]
    assert choose(outlines, [LEFT], 2, gsd=0.6).kept == [0, 1]
    assert choose(outlines, [RIGHT], 9, gsd=0.6) == ([3, 4], [0])


def test_an_image_that_shows_the_tiles_goes_before_one_that_shows_the_object_alone() -> None:
    # From 24.9 to the edge of the cell are 4.4 km; a tile at 10 m reaches 2.6 km, at 30 m 7.7 km.
    near = Box(24.81, 60.1, 24.82, 60.11)
    assert choose([WEST, WHOLE], [near], 1, gsd=10).kept == [0]
    assert choose([WEST, WHOLE], [near], 1, gsd=30).kept == [1]
    assert choose([WEST, WHOLE], [near], 2, gsd=30) == ([0, 1], [0])


def test_no_image_and_images_elsewhere_give_none() -> None:
    assert choose([], [LEFT, RIGHT], 3, gsd=10) == ([], [0, 1])
    assert choose([box(0, 0, 1, 1)], [LEFT], 3, gsd=10) == ([], [0])
    part = shapely.box(24.755, 60, 25, 61)  # shows some of the objects
    assert choose([part], [LEFT], 3, gsd=0.1) == ([0], [0])
