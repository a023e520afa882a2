"""The stage `align`: on which shift the images of a scene agree."""

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.schema import conform
from stages import tables
from stages.align import ALIGN, AlignConfig


def images(scene, shifts, confidence=0.9, **more):
    return [
        {
            **{"object_id": f"{scene}{number}", "source": scene[:2], "scene_id": scene},
            **{"match": 0.3, "dx_m": dx, "dy_m": dy, "match_confidence": confidence},
            **{"status": "ok"},
            **more,
        }
        for number, (dx, dy) in enumerate(shifts)
    ]


@pytest.fixture
def align(tmp_path):
    """Run the stage; give its rows by scene."""

    def run(*rows, **config):
        match = pa.Table.from_pylist([row for some in rows for row in some], tables.MATCH.schema)
        made = ALIGN.run(ds.dataset(match), config=AlignConfig(**config), root=tmp_path)
        table = conform(pa.concat_tables(made), tables.SCENE_SHIFTS, where="align")
        return {row["scene_id"]: row for row in table.to_pylist()}

    return run


AGREED = [(3.0, -2.0), (3.4, -2.2), (2.8, -1.9), (3.1, -2.1), (2.9, -2.0)]


def test_the_shift_of_a_scene_is_the_median_of_its_sure_images(align):
    odd, unsure = [(-9.0, 8.0)], images("CH/a", [(7.0, 7.0)] * 9, confidence=0.2)
    row = align(images("CH/a", AGREED + odd), unsure)["CH/a"]
    assert (row["dx_m"], row["dy_m"]) == pytest.approx((2.95, -2.0))
    assert (row["images"], row["sure_images"]) == (15, 6)
    assert row["spread_m"] < 0.5
    assert row["no_shift"] is None
    assert not row["corrected"]


def test_only_shifts_that_are_known_are_corrected_and_only_if_asked(align):
    rows = align(images("CH/a", AGREED), images("CH/b", AGREED[:2]), shifts="correct")
    assert {scene: row["corrected"] for scene, row in rows.items()} == {"CH/a": True, "CH/b": False}


def test_a_scene_without_a_shift_says_why(align):
    scattered = [(9.0, 0.0), (-9.0, 0.0), (0.0, 9.0), (0.0, -9.0), (5.0, 5.0), (-5.0, 5.0)]
    rows = align(
        images("CH/few", AGREED[:4]),
        images("CH/none", AGREED, confidence=0.1),
        images("CH/null", [(None, None)] * 6, confidence=None, match=None),
        images("CH/wild", scattered),
    )
    assert {scene: row["no_shift"] for scene, row in rows.items()} == {
        "CH/few": "too few images have a sure shift",
        "CH/none": "no image has a sure shift",
        "CH/null": "no image has a sure shift",
        "CH/wild": "the images do not agree",
    }
    assert {row["dx_m"] for row in rows.values()} == {None}
    assert rows["CH/null"]["sure_images"] == 0


def test_the_config_says_how_many_must_agree_how_well(align):
    apart = [(dx * 3, dy) for dx, dy in AGREED]
    wild = images("CH/a", [(0.0, 0.0), (4.0, 0.0), (8.0, 0.0)])
    assert align(wild)["CH/a"]["no_shift"] == "too few images have a sure shift"
    assert align(wild, min_images=3)["CH/a"]["no_shift"] == "the images do not agree"
    assert align(wild, min_images=3, max_spread=5)["CH/a"]["dx_m"] == 4.0
    assert align(images("CH/b", apart), min_confidence=0.95)["CH/b"]["dx_m"] is None


def test_images_that_are_not_ok_and_empty_runs_give_no_scene(align):
    lost = images("CH/a", AGREED, scene_id=None, source=None, status="failed", reason="busy")
    assert align(lost) == {}
    assert align([]) == {}
