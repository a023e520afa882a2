"""Retrieval: the published protocol, written again from its text, and its other ways to count."""

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from stages.evaluate.retrieval import Relation, rank
from tests.stages.evaluate.runs import run, stock

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from tests.skyscript.benchmarks.made_benchmarks import write_image, write_rows  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def published_recalls(rows, root, prefix, model):
    """The protocol's text: distinct images and texts, both sorted; the truth is the relation; a
    query is found at k if any of its partners is among the first k.
    """
    clip, tokenizer, transform = stock(model)
    pairs = [(row["filepath"], row["title"]) for row in csv.DictReader(rows.open())]
    images, texts = sorted({p for p, _ in pairs}), sorted({t for _, t in pairs})
    with torch.no_grad():
        left = torch.cat([clip.encode_image(transform(Image.open(root / p))[None]) for p in images])
        right = torch.cat([clip.encode_text(tokenizer([prefix + text])) for text in texts])
    left, right = left / left.norm(dim=1, keepdim=True), right / right.norm(dim=1, keepdim=True)
    scores = (left @ right.T).numpy()
    belong = set(pairs)
    found = {}
    for way, matrix, queries, answers in (
        ("image_to_text", scores, images, texts),
        ("text_to_image", scores.T, texts, images),
    ):
        for k in (1, 5, 10, 100):
            hits = 0
            for query, row in zip(queries, matrix, strict=True):
                first = [answers[i] for i in np.argsort(-row, kind="stable")[:k]]
                hits += any((query, a) in belong or (a, query) in belong for a in first)
            found[way, k] = hits / len(queries)
    return found, (len(images), len(texts), len(pairs))


@pytest.mark.parametrize("which", ["tiny", "random"])
def test_retrieval_agrees_with_the_protocol(real, random_model, tmp_path, which):
    model = "tiny" if which == "tiny" else random_model
    found = run(real, tmp_path, ["RSICD"], model)["sets"]["RSICD"]
    wanted, counts = published_recalls(
        real / "RSICD/RSICD_img_txt_pairs_test.csv", real, "a satellite image. ", model
    )
    assert tuple(found["counts"].values()) == counts
    assert counts[1] < counts[2]  # captions repeat
    for way in ("image_to_text", "text_to_image"):
        for k in (1, 5, 10, 100):
            assert found["published"][way][f"R@{k}"] == wanted[way, k]
        mean = (wanted[way, 1] + wanted[way, 5] + wanted[way, 10]) / 3
        assert found["published"][way]["mean_recall"] == mean


def test_the_dataset_itself_is_retrieved_by_its_other_caption_without_a_prefix(real, tmp_path):
    rows = [[f"images2/{number}.jpg", f"title {number % 2}", f"multi {number % 3}"]
            for number in range(4)]  # fmt: skip
    name = "SkyScript_test_30K_filtered_by_CLIP_openai.csv"
    for place in (tmp_path / "root/SkyScript", tmp_path / "data"):
        write_rows(place / name, ["filepath", "title", "title_multi_objects"], rows)
        for number in range(4):
            write_image(place / f"images2/{number}.jpg", (number * 60, 90, 10))
    (tmp_path / "root/elsewhere").mkdir()
    one = run(tmp_path / "root", tmp_path / "a", ["SkyScript"])
    other = run(tmp_path / "root/elsewhere", tmp_path / "b", ["SkyScript"],
                skyscript=tmp_path / "data")  # fmt: skip
    found = one["sets"]["SkyScript"]
    assert found["counts"] == {"images": 4, "texts": 3, "pairs": 4}
    texts = pq.read_table(tmp_path / "a" / found["files"]["text_to_image"])["text"].to_pylist()
    assert texts == ["multi 0", "multi 1", "multi 2"]
    assert found["published"] == other["sets"]["SkyScript"]["published"]


def slow_place(scores, partners):
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return next((at for at, i in enumerate(order, 1) if i in partners), len(scores) + 1)


def test_places_with_many_ties_are_those_of_a_stable_sort(monkeypatch):
    draw = np.random.default_rng(0)
    queries = draw.integers(-1, 2, (40, 3)).astype(np.float32)
    candidates = draw.integers(-1, 2, (25, 3)).astype(np.float32)
    partners = [set(draw.choice(25, draw.integers(0, 4)).tolist()) for _ in range(40)]
    pairs = np.array([(q, p) for q, some in enumerate(partners) for p in some])
    truth = Relation.of(pairs[:, 0], pairs[:, 1], 40)
    scores = queries @ candidates.T
    wanted = [slow_place(row.tolist(), some) for row, some in zip(scores, partners, strict=True)]
    assert rank(queries, candidates, truth).place.tolist() == wanted
    monkeypatch.setattr("stages.evaluate.retrieval.AT_ONCE", 60)  # two queries at a time
    assert rank(queries, candidates, truth).place.tolist() == wanted
    columns = draw.integers(0, 25, 70)
    copies = [{i for i, c in enumerate(columns) if c in some} for some in partners]
    pairs = np.array([(q, p) for q, some in enumerate(copies) for p in some])
    truth = Relation.of(pairs[:, 0], pairs[:, 1], 40)
    wanted = [slow_place(row[columns].tolist(), some)
              for row, some in zip(scores, copies, strict=True)]  # fmt: skip
    assert rank(queries, candidates, truth, columns).place.tolist() == wanted


def test_an_identical_text_is_a_hit_where_only_the_own_pair_is_not(tmp_path):
    """Two images that look alike have the same caption; the third has one that comes twice."""
    from skyscript.benchmarks import CaptionedImages
    from stages.evaluate.retrieval import rank_by_all_ways

    data = CaptionedImages(
        ["a", "b", "c"], [], ["road", "tree"],
        image_of=np.array([0, 1, 2, 2]), text_of=np.array([0, 0, 1, 1]), notes=[],
    )  # fmt: skip
    images = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    texts = np.array([[1, 0], [0, 1]], np.float32)
    ways = rank_by_all_ways(data, images, texts)
    assert ways["published"].text_to_image.place.tolist() == [1, 1]
    assert ways["identical_text"].text_to_image.place.tolist() == [1, 1, 1, 1]
    # b's own caption finds a first, which looks the same: wrong only where copies do not count.
    assert ways["own_pair"].text_to_image.place.tolist() == [1, 2, 1, 1]
    assert ways["identical_text"].image_to_text.place.tolist() == [1, 1, 1]
    assert ways["own_pair"].image_to_text.place.tolist() == [1, 2, 1]
