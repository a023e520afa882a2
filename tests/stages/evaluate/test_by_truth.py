"""Retrieval by truth: what a table says of an image decides whether a text is a right answer."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyscript.benchmarks import CaptionedImages
from stages.evaluate.by_truth import rank_by_truth

PATHS = ["images2/a.jpg", "images2/b.jpg", "images2/c.jpg"]
OWN = ["church", "road", "pond"]
SHOWN = [{"church": "yes", "road": "yes"}, {"road": "yes", "church": "no"}, {"pond": "yes"}]


@pytest.fixture
def table(tmp_path):
    rows = [
        {"filepath": path, "concept": name, "focus": name == own, "verdict": verdict}
        for path, own, shown in zip(PATHS, OWN, SHOWN, strict=True)
        for name, verdict in shown.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "truth.parquet")
    return tmp_path / "truth.parquet"


DATA = CaptionedImages(PATHS, PATHS, ["church", "road", "pond"], *[np.arange(3)] * 2, [])
SCORES = np.array(  # a row an image, a column a text: church, road, pond
    [[0.1, 0.8, 0.5], [0.9, 0.2, 0.7], [0.4, 0.3, 0.2]], np.float32
)


def by_hand(scores, right, unknown=None):
    """Give the rank of the best right answer of each row."""
    kept = np.where(False if unknown is None else unknown & ~right, -np.inf, scores)
    best = np.where(right, kept, -np.inf).max(1, keepdims=True)
    return (kept > best).sum(1) + 1


RIGHT = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]], bool)
UNKNOWN = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]], bool)


def test_an_image_that_shows_what_a_text_names_is_right(table):
    found, _ = rank_by_truth(DATA, SCORES, np.eye(3, dtype=np.float32), table)
    assert found["truth"].image_to_text.place.tolist() == by_hand(SCORES, RIGHT).tolist()
    assert found["truth"].text_to_image.place.tolist() == by_hand(SCORES.T, RIGHT.T).tolist()
    assert found["truth"].image_to_text.place[0] == 1  # its own text is third


def test_pairs_of_which_nobody_knows_are_left_out(table):
    found, shares = rank_by_truth(DATA, SCORES, np.eye(3, dtype=np.float32), table)
    judged = found["truth_judged"]
    assert judged.image_to_text.place.tolist() == by_hand(SCORES, RIGHT, UNKNOWN).tolist()
    expected = by_hand(SCORES.T, RIGHT.T, UNKNOWN.T).tolist()
    assert judged.text_to_image.place.tolist() == expected
    assert shares == pytest.approx({"right": 4 / 9, "wrong": 1 / 9, "unknown": 4 / 9, "own": 1 / 3})


def test_parts_of_the_images_give_the_same(table, monkeypatch):
    texts = np.eye(3, dtype=np.float32)
    whole = rank_by_truth(DATA, SCORES, texts, table)
    for module in ("retrieval", "by_truth"):
        monkeypatch.setattr(f"stages.evaluate.{module}.AT_ONCE", 3)  # an image at a time
    parts = rank_by_truth(DATA, SCORES, texts, table)
    assert whole[1] == parts[1]
    for way, view in whole[0].items():
        assert view.recalls() == parts[0][way].recalls()
