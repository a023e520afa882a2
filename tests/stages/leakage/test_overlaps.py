"""The check of pairs that were not planted: images of the same ground agree, others do not."""

import cv2
import numpy as np
import pytest

from tests.stages.leakage.overlaps import check
from tests.stages.leakage.planted import look_at
from tests.stages.leakage.villages import jpeg, village

LARGE = village(3, side=320)
LEFT, RIGHT = LARGE[:200, :200], LARGE[20:220, 110:310]


@pytest.mark.slow
def test_neighbours_that_share_a_part_are_the_same_ground():
    verdict = check(LEFT, RIGHT)
    assert verdict.same
    assert verdict.overlap == pytest.approx(0.9 * 0.45, abs=0.01)
    assert check(LEFT, np.rot90(RIGHT[:, ::-1])).same


@pytest.mark.slow
def test_another_scale_and_rotation_are_the_same_ground():
    turn = cv2.getRotationMatrix2D((100, 100), 12, 1.15)
    assert check(LEFT, cv2.warpAffine(LARGE[10:210, 15:215], turn, (200, 200))).same


@pytest.mark.slow
@pytest.mark.parametrize("number", [4, 5])
def test_other_ground_and_strips_of_it_are_not_the_same(number):
    other = village(number)
    assert not check(LEFT, other).same
    assert not check(LEFT[:20], other).same
    assert not check(np.full((64, 64, 3), 90, np.uint8), other).same


@pytest.mark.slow
def test_a_copy_is_judged_by_the_image_that_it_was_made_from(tmp_path):
    from stages.leakage.matches import Match

    for side, images in (("theirs", (LEFT, RIGHT, village(6, 200))), ("ours", (LEFT[::-1],))):
        (tmp_path / side).mkdir()
        for number, image in enumerate(images):
            (tmp_path / side / f"{number}.jpg").write_bytes(jpeg(image, 90))
    wrong = [Match("0.jpg", "set", f"{at}.jpg", "near", 0.1, 0.4) for at in (1, 2)]
    found = look_at(wrong, {"0.jpg": ("0.jpg", "mirrored")}, tmp_path, tmp_path)
    assert [verdict.same for _, verdict in found] == [True, False]
    assert {path.name for path in tmp_path.glob("*.png")} == {"same-0-1.png", "other-0-2.png"}
