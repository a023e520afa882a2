"""The box of an image is corrected by the shift of its scene."""

import pytest

from skyscript.geo.tile import Box
from skyscript.match.scene_shift import OUT_OF_IMAGE, corrected
from tests.stages.ground import at, point, thing

FOCUS = thing("n1", point(0, 0), natural="tree")
IMAGE = {
    **{"object_id": "n1", "scene_id": "CH/x", "status": "ok", "reason": None},
    **Box(*at(-50, -50), *at(50, 50))._asdict(),
}


def test_the_box_moves_against_the_shift():
    moved = corrected(IMAGE, FOCUS, {"CH/x": (30.0, 20.0)})
    assert Box.of(moved) == pytest.approx((*at(-80, -70), *at(20, 30)), abs=1e-8)
    assert moved["status"] == "ok"


def test_an_image_that_no_longer_shows_its_object_is_filtered():
    for shift, status in (((0.0, 49.0), "ok"), ((0.0, 51.0), "filtered")):
        assert corrected(IMAGE, FOCUS, {"CH/x": shift})["status"] == status
    for shift in ((51.0, 0.0), (-51.0, 0.0), (0.0, -51.0)):
        assert corrected(IMAGE, FOCUS, {"CH/x": shift})["reason"] == OUT_OF_IMAGE


def test_an_image_of_another_scene_and_one_that_is_not_ok_stay_as_they_are():
    lost = {"object_id": "n1", "status": "failed", "reason": "busy"}
    assert corrected(IMAGE, FOCUS, {"CH/y": (30.0, 20.0)}) is IMAGE
    assert corrected(lost, FOCUS, {"CH/x": (30.0, 20.0)}) is lost
