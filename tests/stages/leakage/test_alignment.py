"""When two images that lie on each other are copies."""

import pytest

from stages.leakage.alignment import Overlay


@pytest.mark.parametrize(
    ("overlay", "is_copy"),
    [
        (Overlay(0.8, 1.0), True),
        (Overlay(0.79, 1.0, agreeing=24), False),
        (Overlay(0.4, 1.0, agreeing=25), True),
        (Overlay(0.39, 1.0, agreeing=25), False),
    ],
)
def test_the_correlation_decides_and_half_as_much_is_enough_if_many_features_agree(
    overlay, is_copy
):
    assert overlay.is_copy(0.8) == is_copy
