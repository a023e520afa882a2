"""Multiple choice among statements, and captions of regions: the figures of a run's statements."""

import json

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.errors import InputError
from stages.evaluate import EvaluateConfig, evaluate, format_tables
from stages.evaluate.choices import read_choices
from stages.evaluate.regions import _related, _span, read_regions
from tests.conftest import assert_close, skyscript
from tests.stages.evaluate.runs import stock

torch = pytest.importorskip("torch")

KINDS = "statements.kinds=[region,not_count,not_direction,not_relation]"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A run of 24 tiles of the toy town with statements, and its export of choices."""
    root = tmp_path_factory.mktemp("statements") / "town"
    run_town(root)
    made = skyscript("export-data", root, "--out", root.parent / "out", "--format", "choices")
    assert made.returncode == 0, made.stderr
    return root


def run_town(root, *more):
    from pipeline.cli.run import TOY
    from pipeline.config import load_config
    from pipeline.runner import run
    from stages import PIPELINE

    small = ["sample.max_objects=24", "runner.executor=serial", "seed=3", KINDS, *more]
    run(PIPELINE, load_config(TOY, PIPELINE, small), root, lambda _: None)


def measure(out, **more):
    config = EvaluateConfig(model="tiny", device="cpu", **more)
    return evaluate(config, out, lambda _: None)


@pytest.fixture(scope="module")
def results(town, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    return out, measure(out, choices=town.parent / "out", regions=town)


def vectors(model, images, texts):
    """Unit vectors as anyone makes them, with nothing of ours."""
    model, tokenizer, transform = model
    with torch.inference_mode():
        seen = model.encode_image(torch.stack([transform(image) for image in images]))
        read = model.encode_text(tokenizer(texts))
    return [torch.nn.functional.normalize(of, dim=-1).numpy() for of in (seen, read)]


pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_a_choice_is_right_if_the_true_statement_is_the_nearest(results, town):
    out, found = results
    one = found["sets"]["choices"]
    questions = json.loads((town.parent / "out/choices/train.json").read_text())
    model, right, kinds = stock("tiny"), [], {}
    for asked in questions:
        image = Image.open(town.parent / "out/choices" / asked["image"])
        (seen,), texts = vectors(model, [image], asked["options"])
        hit = int((texts @ seen).argmax()) == asked["answer"]
        right.append(hit)
        kinds.setdefault(asked["kind"], []).append(hit)
    assert one["questions"] == len(questions) > 20
    assert one["accuracy"] == pytest.approx(np.mean(right))
    assert len(kinds) >= 2
    assert {kind: of["accuracy"] for kind, of in one["kinds"].items()} == pytest.approx(
        {kind: np.mean(hits) for kind, hits in kinds.items()}
    )
    assert one["chance"] == pytest.approx(np.mean([1 / len(q["options"]) for q in questions]))
    low, high = one["accuracy_interval"]
    assert 0 < low < one["accuracy"] < high < 1
    answers = pq.read_table(out / one["files"]["answers"])
    assert answers["right"].to_pylist() == right
    assert answers["true"].to_pylist() == [q["options"][q["answer"]] for q in questions]


def test_a_region_is_cut_out_and_compared_with_all_captions_of_unrelated_concepts(results, town):
    out, found = results
    one = found["sets"]["regions"]
    rows = pq.read_table(town / "tables/statements").filter(pc.field("kind") == "region")
    names = [claim.partition("(")[2].rpartition(") =")[0] for claim in rows["claim"].to_pylist()]
    concepts = sorted(set(names))
    crops = []
    for path, box in zip(rows["filepath"].to_pylist(), rows["box"].to_pylist(), strict=True):
        image = Image.open(town / path).convert("RGB")
        side = max(box[2] - box[0], box[3] - box[1], 32)
        edges = []
        for low, high, size in ((box[0], box[2], image.width), (box[1], box[3], image.height)):
            length = min(round(side), size)
            start = min(max(round((low + high) / 2 - length / 2), 0), size - length)
            edges.append((start, start + length))
        (left, right), (top, bottom) = edges
        crops.append(image.crop((left, top, right, bottom)))
    seen, read = vectors(stock("tiny"), crops, [f"a satellite image of {c}" for c in concepts])
    related = _related(concepts)
    by_image: dict[str, set[str]] = {}
    for path, name in zip(rows["filepath"].to_pylist(), names, strict=True):
        by_image.setdefault(path, set()).add(name)
    every, own = [], []
    for row, (path, name) in enumerate(zip(rows["filepath"].to_pylist(), names, strict=True)):
        at = concepts.index(name)
        for hits, among in ((every, set(concepts)), (own, by_image[path])):
            others = [n for n, c in enumerate(concepts) if c in among and not related[at, n]]
            if others:
                hits.append(seen[row] @ read[at] > (read[others] @ seen[row]).max())
    assert one["counts"]["regions"] == len(names) > 20
    assert one["regions"] == len(every)
    assert one["top1"] == pytest.approx(np.mean(every))
    assert one["of_image"]["regions"] == len(own)
    assert one["of_image"]["top1"] == pytest.approx(np.mean(own))
    assert one["of_image"]["chance"] > one["chance"] > 0
    table = pq.read_table(out / one["files"]["regions"])
    assert table["concept"].to_pylist() == names
    own = (seen * read[[concepts.index(name) for name in names]]).sum(1)
    assert_close(table["similarity"].to_numpy(), own, 1e-4)


def test_both_are_in_the_tables_of_evaluate_and_compare(results):
    out, found = results
    text = (out / "results.md").read_text()
    assert "| true among false statements, % | questions | all " in text
    assert "| caption of a region, top-1, % " in text
    one = found["sets"]["choices"]
    assert f"{one['accuracy'] * 100:.2f} ± " in text
    other = json.loads(json.dumps(found))
    other["model"]["name"], other["sets"] = "none", {}
    both = format_tables([found, other])
    assert both.count("tiny") == 2
    compared = skyscript("compare", out, out)
    assert compared.stdout.count("tiny (fp32)") == 4


def test_the_same_command_computes_nothing_again(results, town, monkeypatch):
    out, found = results
    monkeypatch.setattr(
        "skyscript.clip.model.Clip.encode_images", lambda *_: pytest.fail("an image was encoded")
    )
    assert measure(out, choices=town.parent / "out/choices/train.json", regions=town) == found


def test_regions_of_images_in_tars_give_the_same_figures(results, town, tmp_path):
    _, found = results
    tars = tmp_path / "tars"
    run_town(tars, "layout.images=tars")
    assert not list(tars.glob("images?/*.jpg"))
    in_tars = measure(tmp_path / "out", regions=tars)
    figures = ("regions", "top1", "top1_interval", "of_image", "counts")
    for name in figures:
        assert in_tars["sets"]["regions"][name] == found["sets"]["regions"][name]


def test_related_concepts_are_neither_right_nor_wrong():
    related = _related(["building", "church", "pond", "a word of no concept"])
    assert related.astype(int).tolist() == [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]


@pytest.mark.parametrize(
    ("centre", "side", "pixels"),
    [(50, 20, (40, 60)), (5, 20, (0, 20)), (95, 20, (80, 100)), (50, 300, (0, 100))],
)
def test_a_square_is_moved_inwards_at_the_edge(centre, side, pixels):
    assert _span(centre, side, 100) == slice(*pixels)


GOOD = {"id": "1", "image": "a.jpg", "kind": "not_count", "options": ["a", "b"], "answer": 1}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a list of questions"),
        (json.dumps([GOOD, 3]), "question 2 is not an object"),
        (json.dumps([GOOD | {"options": "ab"}]), "question 1 lacks id, image, kind or a list"),
        (json.dumps([GOOD | {"options": ["a", 3]}]), "question 1 lacks"),
        (json.dumps([GOOD | {"options": ["a", "a"]}]), "needs two options or more, all different"),
        (json.dumps([GOOD | {"answer": 2}]), "has the answer 2 to 2 options"),
        (json.dumps([GOOD | {"image": "../a.jpg"}]), "'../a.jpg' leads out of its folder"),
        (json.dumps([GOOD | {"image": "b.jpg"}]), "1 of 1 images are not beside it, the first 'b"),
    ],
)
def test_a_json_that_cannot_be_used_is_refused_with_the_question(tmp_path, content, sentence):
    (tmp_path / "test.json").write_text(content)
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=sentence):
        read_choices(tmp_path)


def test_of_several_jsons_one_must_be_named(tmp_path):
    for name in ("test", "train"):
        (tmp_path / f"{name}.json").write_text(json.dumps([GOOD]))
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"name one JSON of questions; it holds test.json, train"):
        read_choices(tmp_path)
    assert read_choices(tmp_path / "test.json").questions[0].options == ("a", "b")
    with pytest.raises(InputError, match="there is no such file or folder"):
        read_choices(tmp_path / "none.json")


def test_a_run_without_regions_is_refused(town, tmp_path):
    with pytest.raises(InputError, match="is not the folder of a run"):
        read_regions(tmp_path / "none")
    with pytest.raises(InputError, match="holds no table statements; a run makes it if"):
        read_regions(tmp_path)
    table = pq.read_table(town / "tables/statements")
    (tmp_path / "tables/statements").mkdir(parents=True)
    part = tmp_path / "tables/statements/0.parquet"
    pq.write_table(table.filter(pc.field("kind") != "region"), part)
    with pytest.raises(InputError, match="has no statement on a region"):
        read_regions(tmp_path)
    pq.write_table(table, part)
    with pytest.raises(InputError, match="lacks the image 'images"):
        read_regions(tmp_path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "benchmarks is required, unless choices or regions"),
        ({"choices": "a", "sets": ("aid",)}, "sets needs benchmarks"),
        ({"regions": "a", "shots": (1,)}, "shots needs benchmarks"),
    ],
)
def test_options_without_benchmarks(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        EvaluateConfig(model="tiny", **options)
