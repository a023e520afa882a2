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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_evaluation_counts_by_truth_if_a_table_is_given(tmp_path):
    pytest.importorskip("open_clip")
    from tests.skyscript.benchmarks.made_benchmarks import write_image, write_rows
    from tests.stages.evaluate.runs import run

    rows = [[f"images2/{n}.jpg", f"title {n}", f"multi {n}"] for n in range(4)]
    place = tmp_path / "root/SkyScript"
    name = "SkyScript_test_30K_filtered_by_CLIP_openai.csv"
    write_rows(place / name, ["filepath", "title", "title_multi_objects"], rows)
    for number in range(4):
        write_image(place / f"images2/{number}.jpg", (number * 60, 90, 10))
    truth = [
        {"filepath": path, "concept": "pond", "focus": True, "verdict": "yes"} for path, *_ in rows
    ]
    pq.write_table(pa.Table.from_pylist(truth), tmp_path / "truth.parquet")
    plain = run(tmp_path / "root", tmp_path / "a", ["SkyScript"])["sets"]["SkyScript"]
    found = run(tmp_path / "root", tmp_path / "b", ["SkyScript"], truth=tmp_path / "truth.parquet")[
        "sets"
    ]["SkyScript"]
    assert "truth" not in plain
    assert found["published"] == plain["published"]
    assert found["truth"]["mean_recall"] == 1  # every image shows what every text names
    assert found["truth_of_pairs"] == {"right": 1, "wrong": 0, "unknown": 0, "own": 1 / 4}
    truth[:] = [row | {"filepath": "z.jpg"} for row in truth]
    pq.write_table(pa.Table.from_pylist(truth), tmp_path / "truth.parquet")
    other = run(tmp_path / "root", tmp_path / "c", ["SkyScript"], truth=tmp_path / "truth.parquet")[
        "sets"
    ]["SkyScript"]
    assert "truth" not in other
    assert any("not ranked by truth" in note for note in other["notes"])
