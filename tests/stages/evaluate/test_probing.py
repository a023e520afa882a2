"""Probes on the vectors of a set."""

import pytest

from tests.stages.evaluate.runs import SCENES, run

pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from tests.skyscript.benchmarks.made_benchmarks import colour_set

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def test_probes_are_fitted_on_the_vectors_of_the_set_and_agree_each_time(tmp_path):
    rows = [(colour, colour) for colour in ("red", "green", "blue") for _ in range(6)]
    colour_set(tmp_path / "root", "aid", SCENES["aid"], rows)
    first, second = (
        run(tmp_path / "root", tmp_path / out, ["aid"], linear_probe=0.5, shots=(1, 2))
        for out in ("first", "second")
    )
    found = first["sets"]["aid"]
    assert found == second["sets"]["aid"]
    assert (found["linear_probe"]["fit"], found["linear_probe"]["test"]) == (9, 9)
    assert found["linear_probe"]["top1"] == 1
    assert [found["few_shot"][k]["fit"] for k in ("1", "2")] == [3, 6]
    assert len(found["few_shot"]["2"]["top1_of_draws"]) == 5
    assert "linear_probe" not in run(tmp_path / "root", tmp_path / "third", ["aid"])["sets"]["aid"]
