"""Which classes are taken for which, as a table and as a picture."""

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def test_classes_are_told_apart_in_a_table_and_a_picture(tmp_path):
    from stages.evaluate.confusion import count_confusions, draw_confusion
    from stages.evaluate.outputs import _format_classes

    labels, predicted = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 0, 1, 1, 1, 1])
    cells = count_confusions(labels, predicted, 4)
    assert cells.tolist() == [[2, 1, 0, 0], [0, 1, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0]]
    lines = _format_classes(cells, ["a", "b", "c", "d"]).decode().splitlines()
    assert lines[1:] == [
        "a,3,2,0.6667,b,0.3333", "b,1,1,1.0000,,", "c,2,0,0.0000,b,1.0000", "d,0,0,,,"
    ]  # fmt: skip
    draw_confusion(tmp_path / "c.png", cells, ["a", "b", "c", "a very long name " * 9], "A title")
    draw_confusion(tmp_path / "many.png", np.eye(70, dtype=int), ["x"] * 70, "Many")
    with Image.open(tmp_path / "c.png") as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
        assert {(255, 255, 255), (12, 74, 110)} <= colours
    first = (tmp_path / "c.png").read_bytes()
    draw_confusion(tmp_path / "c.png", cells, ["a", "b", "c", "a very long name " * 9], "A title")
    assert (tmp_path / "c.png").read_bytes() == first
