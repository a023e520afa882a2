"""The box of a run: which sides are one, its parts beside 180 degrees, and what lies in it."""

import numpy as np
import pytest

from skyscript.geo.bbox import checked, pieces_of, within_bbox

FIJI = (177.0, -19.0, -178.0, -16.0)


def test_a_box_across_180_degrees_has_two_parts() -> None:
    assert pieces_of(FIJI) == [(177, -19, 180, -16), (-180, -19, -178, -16)]
    assert pieces_of((7, 43, 8, 44)) == [(7, 43, 8, 44)]


def test_places_on_both_sides_of_180_degrees_lie_in_it() -> None:
    places = [(179, -17), (180, -17), (-180, -17), (-178, -16), (-177, -17), (0, -17), (179, -20)]
    inside = within_bbox(np.array(places, float), FIJI).tolist()
    assert inside == [True, True, True, True, False, False, False]
    for place, is_inside in zip(places, inside, strict=True):
        parts = pieces_of(FIJI)
        assert is_inside == any(
            part.west <= place[0] <= part.east and part.south <= place[1] <= part.north
            for part in parts
        )


@pytest.mark.parametrize(
    ("sides", "why"),
    [
        ((9, 48, 10, 47), "south below north"),
        ((9, 47, 9, 48), "west must be below east"),
        ((9.7, 47, 9.4, 48), "west must be below east"),  # sides in the wrong order
        ((9, 47, 181, 48), "in degrees"),
        ((9, -91, 10, 48), "in degrees"),
    ],
)
def test_what_is_no_box_is_refused(sides: tuple[float, float, float, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        checked(sides)
    assert checked(FIJI) == FIJI
