"""Evaluation: the published protocol, written again from its text, agrees to the last digit."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import InputError
from skyscript.clip.source import TINY_FOLDER
from stages.evaluate import EvaluateConfig, evaluate, format_tables, read_results
from stages.evaluate.job import _note_cut
from stages.evaluate.published import MODELS
from stages.evaluate.retrieval import Relation, rank
from tests.conftest import real_files, skyscript

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from skyscript.clip.export import export_model  # noqa: E402
from tests.skyscript.benchmarks.made_benchmarks import (  # noqa: E402
    colour_set,
    lay_out_pictures,
    write_image,
    write_rows,
)

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

SCENES = {
    "aid": "aid_img_txt_pairs_test.csv",
    "eurosat": "eurosat_img_txt_pairs_test.csv",
    "fmow": "fmow_img_txt_pairs_val.csv",
    "SkyScript_cls": "img_txt_pairs_val.csv",
    **dict.fromkeys(["nwpu", "patternnet", "millionaid", "rsicb256"], "img_txt_pairs_train.csv"),
}
COLOURED = [("red", "red"), ("green", "green"), ("blue", "red"), ("white", "blue")]


@pytest.fixture(scope="module", params=[None, *real_files("bench")], ids=str)
def real(request, tmp_path_factory):
    """Images laid out as published (scenes, roofs and captions): made ones, and real ones."""
    bench, root = request.param, tmp_path_factory.mktemp("benchmarks")
    if bench is None:
        lay_out_pictures(root)
        return root
    with (bench / "aid/labels.csv").open() as file:
        aid = [(row["image"], row["class"]) for row in csv.DictReader(file)][::20]
    for name in ("aid", "rsscn7", "rsicd_test"):
        (root / name).mkdir()
    for name in sorted({label for _, label in aid}):
        (root / "aid" / name).symlink_to(bench / "aid" / name)
    write_rows(root / "aid" / SCENES["aid"], ["filepath", "label"],
               [[f"aid/{path}", label] for path, label in aid])  # fmt: skip
    (root / "aid/classnames.txt").write_text("\n".join(sorted({label for _, label in aid})))
    roofs = []
    (root / "roof_shape").mkdir()
    for folder in sorted((bench / "rsscn7").iterdir()):
        (root / "roof_shape" / folder.name).symlink_to(folder)
        roofs += [[f"roof_shape/{folder.name}/{image.name}", folder.name[1:], "AB"[number % 2]]
                  for number, image in enumerate(sorted(folder.iterdir())[:6])]  # fmt: skip
    write_rows(root / "roof_shape/img_txt_pairs_test.csv",
               ["filepath", "label_v1", "label_v2"], roofs)  # fmt: skip
    (root / "roof_shape/classnames_v1.txt").write_text("\n".join(sorted({r[1] for r in roofs})))
    (root / "roof_shape/classnames_v2.txt").write_text("A\nB\n")
    lines = (bench / "rsicd_test/captions.jsonl").read_text().splitlines()[::14]
    (root / "rsicd_test/images").symlink_to(bench / "rsicd_test/images")
    held = [json.loads(line) for line in lines]
    captions = [[f"rsicd_test/images/{one['image']}", caption]
                for one in held for caption in one["captions"]]  # fmt: skip
    write_rows(root / "RSICD/RSICD_img_txt_pairs_test.csv", ["filepath", "title"], captions)
    return root


@pytest.fixture(scope="module")
def random_model(tmp_path_factory):
    """A small ViT of quick-GELU that has learnt nothing."""
    config = {
        "embed_dim": 32,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 48, "layers": 2, "width": 64, "patch_size": 16},
        "text_cfg": {
            "context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2
        },
    }  # fmt: skip
    torch.manual_seed(3)
    model = open_clip.CLIP(**config)
    folder = tmp_path_factory.mktemp("random")
    export_model(model, config, folder)
    return f"local-dir:{folder}"


def run(root, out, sets, model="tiny", **more):
    return evaluate(
        EvaluateConfig(benchmarks=root, sets=tuple(sets), model=model, device="cpu", **more),
        out,
        lambda event: None,
    )


def stock(model):
    """Load as anyone does, with nothing of ours."""
    name = f"local-dir:{TINY_FOLDER}" if model == "tiny" else model
    found, _, transform = open_clip.create_model_and_transforms(name)
    return found.eval(), open_clip.get_tokenizer(name), transform


def published_top(root, rows, column, names, templates, model):
    """The protocol's text: a class's two sentences, each a unit vector, their mean, a unit vector
    again; 100 x cosine with the unit vector of the image; top-1 and top-5 by topk.
    """
    clip, tokenizer, transform = stock(model)
    classes = [line.strip() for line in names.read_text().split("\n") if line.strip()]
    hits1 = hits5 = count = 0
    predictions = []
    with torch.no_grad():
        columns = []
        for name in classes:
            vectors = clip.encode_text(tokenizer([template % name for template in templates]))
            vectors = vectors / vectors.norm(dim=-1, keepdim=True)
            mean = vectors.mean(dim=0)
            columns.append(mean / mean.norm())
        weights = torch.stack(columns, dim=1)
        for row in csv.DictReader(rows.open()):
            image = transform(Image.open(root / row["filepath"])).unsqueeze(0)
            vector = clip.encode_image(image)
            vector = vector / vector.norm(dim=-1, keepdim=True)
            scores = 100.0 * vector @ weights
            best = scores[0].topk(min(5, len(classes))).indices.tolist()
            label = classes.index(row[column])
            hits1 += label == best[0]
            hits5 += label in best
            count += 1
            predictions.append(classes[best[0]])
    return hits1 / count, hits5 / count, predictions


@pytest.mark.parametrize("which", ["tiny", "random"])
def test_scenes_and_fine_grained_agree_with_the_protocol(real, random_model, tmp_path, which):
    model = "tiny" if which == "tiny" else random_model
    results = run(real, tmp_path, ["aid", "roof_shape"], model, batch_size=32)["sets"]
    of = "a satellite photo of building, %s.", "a satellite image of building, %s"
    cases = {
        "aid": ("aid", SCENES["aid"], "label", "classnames.txt",
                ("a satellite photo of %s.", "a satellite image of %s")),
        **{f"roof_shape_{v}": ("roof_shape", "img_txt_pairs_test.csv", f"label_{v}",
                               f"classnames_{v}.txt", of) for v in ("v1", "v2")},
    }  # fmt: skip
    for name, (folder, rows, column, classes, templates) in cases.items():
        place = real / folder
        top1, top5, predicted = published_top(
            real, place / rows, column, place / classes, templates, model
        )
        assert (results[name]["top1"], results[name]["top5"]) == (top1, top5), name
        table = pq.read_table(tmp_path / results[name]["files"]["predictions"])
        assert table["predicted"].to_pylist() == predicted


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
    monkeypatch.setattr("stages.evaluate.retrieval._AT_ONCE", 60)  # two queries at a time
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


def test_the_mean_is_of_the_readmes_seven_and_only_where_all_are_there(tmp_path):
    for number, (name, file) in enumerate(SCENES.items()):
        colour_set(tmp_path / "root", name, file, COLOURED[: 1 + number % 4])
    whole = run(tmp_path / "root", tmp_path / "whole", ["scene"])
    seven = [whole["sets"][name]["top1"] for name in whole["sets"] if name != "SkyScript_cls"]
    assert len(seven) == 7
    assert whole["mean_of_seven"]["top1"] == pytest.approx(sum(seven) / 7)
    assert "SkyScript_cls" in whole["sets"]
    assert "SkyScript_cls" not in whole["mean_of_seven"]["over"]
    (tmp_path / "root/fmow" / SCENES["fmow"]).unlink()
    partial = run(tmp_path / "root", tmp_path / "partial", ["scene"])
    assert partial["mean_of_seven"]["top1"] is None
    assert partial["mean_of_seven"]["missing"] == ["fmow"]
    assert partial["missing"] == ["fmow"]
    shown = format_tables([whole, partial])
    assert f"({partial['mean_of_seven']['partial_top1'] * 100:.2f}, 6 of 7)" in shown
    assert f"{whole['mean_of_seven']['top1'] * 100:.2f}" in shown
    for model in MODELS:
        assert model.mean_top1 is None or f"{model.mean_top1:.2f}" in shown


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


def test_every_figure_says_how_it_was_made_and_what_is_behind_it(tmp_path):
    colour_set(tmp_path / "root", "aid", SCENES["aid"], COLOURED)
    results = run(tmp_path / "root", tmp_path / "out", ["aid", "nwpu"], protocol="original")
    assert results == json.loads((tmp_path / "out/results.json").read_text())
    one = results["sets"]["aid"]
    assert one["templates"] == ["a satellite photo of {c}.", "a satellite image of {c}"]
    assert one["protocol"] == results["mean_of_seven"]["protocol"] == "original"
    assert "CUDA's autocast" in one["precision"]
    assert results["model"]["quick_gelu"] == "off"
    assert one["counts"] == {"images": 4, "classes": 4}
    table = pq.read_table(tmp_path / "out" / one["files"]["predictions"])
    assert table["filepath"].to_pylist() == [f"aid/images/{n}.png" for n in range(4)]
    right = [p == 1 for p in table["place"].to_pylist()]
    assert sum(right) / 4 == one["top1"]
    assert read_results(tmp_path / "out") == results


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


def test_a_killed_evaluation_goes_on_and_another_protocol_computes_nothing(
    real, tmp_path, monkeypatch
):
    from skyscript.clip.model import load_clip
    from skyscript.clip.source import ClipConfig, find_clip

    monkeypatch.setattr("skyscript.benchmarks.features._IMAGES_IN_MEMORY", 16)
    model = load_clip(find_clip(ClipConfig(model="tiny")), "cpu").model
    plain, seen = model.encode_image, []

    def watched(images, *more, **options):
        seen.append(len(images))
        if len(seen) == stop_at:
            raise KeyboardInterrupt
        return plain(images, *more, **options)

    stop_at = 0
    monkeypatch.setattr(model, "encode_image", watched)
    undisturbed = run(real, tmp_path / "undisturbed", ["aid", "RSICD"], batch_size=16)
    batches, stop_at = len(seen), 4
    seen.clear()
    with pytest.raises(KeyboardInterrupt):
        run(real, tmp_path / "killed", ["aid", "RSICD"], batch_size=16)
    (kept,) = (tmp_path / "killed/embeddings").iterdir()
    begun = [kept / "images/.tmp-7-x.arrow", tmp_path / "killed/aid/.tmp-7-confusion.png"]
    for path in begun:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    stop_at = 0
    seen.clear()
    assert run(real, tmp_path / "killed", ["aid", "RSICD"], batch_size=16) == undisturbed
    assert not any(path.exists() for path in begun)
    assert len(seen) == batches - 3
    seen.clear()
    half = run(real, tmp_path / "killed", ["aid", "RSICD"], batch_size=16, protocol="original")
    assert not seen
    assert half["protocol"] == "original"


def test_images_that_cannot_be_decoded_are_named_in_the_notes(tmp_path):
    root = tmp_path / "root"
    colour_set(root, "aid", SCENES["aid"], COLOURED)
    rows = [[f"RSICD/{n}.png", f"text {n}"] for n in range(3)]
    for path, _ in rows:
        write_image(root / path, (9, 9, 9))
    write_rows(root / "RSICD/RSICD_img_txt_pairs_test.csv", ["filepath", "title"], rows)
    for path in ("aid/images/1.png", "RSICD/0.png"):
        (root / path).write_bytes(b"")
    sets = run(root, tmp_path / "out", ["aid", "RSICD"])["sets"]
    assert sets["aid"]["counts"]["images"] == 3
    assert sets["RSICD"]["counts"] == {"images": 2, "texts": 2, "pairs": 2}
    for found, wrong in ((sets["aid"], "1 of 4"), (sets["RSICD"], "1 of 3")):
        (note,) = found["notes"]
        assert note.startswith(f"{wrong} images cannot be used and are left out of the figures")
        assert note.endswith(".png: the image file is empty)")


def test_counts_other_than_the_published_ones_are_said(tmp_path):
    root = tmp_path / "root"
    rows = [[f"ucmcaptions/{n}.png", f"text {n}"] for n in range(3)]
    for path, _ in rows:
        write_image(root / path, (9, 9, 9))
    name = "ucmcaptions"
    write_rows(root / name / f"{name}_img_txt_pairs_test.csv", ["filepath", "title"], rows)
    notes = run(root, tmp_path / "out", [name])["sets"][name]["notes"]
    assert [note.split(":")[0] for note in notes] == [
        "has 3 images, the published set 210",
        "has 3 texts, the published set 377",
        "has 3 pairs, the published set 1,050",
    ]


def test_a_checkpoint_as_skyclip_was_published_is_evaluated(tmp_path, real):
    """Written by open_clip 2.20: names begin with module., a learning rate is a numpy number."""
    weights = stock("tiny")[0].state_dict()
    path = tmp_path / "epoch_20.pt"
    held = {"epoch": 20, "state_dict": {f"module.{k}": v for k, v in weights.items()}}
    held["optimizer"] = {"param_groups": [{"lr": np.float64(3e-9)}]}
    torch.save(held, path)
    with pytest.raises(Exception, match="numpy"):
        torch.load(path)  # what loading it the usual way comes to
    found = run(real, tmp_path / "a", ["roof_shape_v1"], pretrained=str(path))
    wanted = run(real, tmp_path / "b", ["roof_shape_v1"])
    assert found["sets"] == wanted["sets"]
    assert found["model"]["name"] == f"tiny {tmp_path.name}/epoch_20.pt"


def test_a_checkpoint_that_runs_code_or_is_of_another_model_is_refused(tmp_path, real):
    class Harm:
        def __reduce__(self):
            return print, ("code of a checkpoint ran",)

    files = {
        "harm.pt": ({"state_dict": Harm()}, r"contains an object of \S*print"),
        "other.pt": ({"a": torch.ones(1)}, "contains no weights of a CLIP"),
    }
    for name, (held, says) in files.items():
        torch.save(held, tmp_path / name)
        with pytest.raises(InputError, match=rf"{name}: {says}"):
            run(real, tmp_path / "out", ["aid"], pretrained=str(tmp_path / name))
    with pytest.raises(
        InputError, match=r"'nowhere\.pt': is not a file, and tiny contains its own"
    ):
        run(real, tmp_path / "out", ["aid"], pretrained="nowhere.pt")
    with pytest.raises(InputError, match="hf-hub:a/b contains its own weights: omit this"):
        run(real, tmp_path / "out", ["aid"], "hf-hub:a/b", pretrained="openai")


def test_nothing_to_evaluate_and_no_results_are_said(tmp_path):
    (tmp_path / "root").mkdir()
    with pytest.raises(InputError, match="holds none of the chosen sets; it must hold aid/aid_"):
        run(tmp_path / "root", tmp_path / "out", ["aid"])
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(InputError, match=r"is not a results\.json"):
        read_results(tmp_path)
    with pytest.raises(InputError, match="there is no such file"):
        read_results(tmp_path / "nowhere.json")


def test_the_commands(tmp_path):
    root = tmp_path / "root"
    colour_set(root, "aid", SCENES["aid"], COLOURED)
    common = ["evaluate", "--benchmarks", root, "--model", "tiny", "--out", tmp_path / "out"]
    done = called(*common, "--sets", "aid,eurosat")
    assert done.exit_code == 0, done.output
    assert "eurosat: does not exist; skipped" in done.stderr
    assert "| tiny (fp32)" in done.stdout
    done = called("compare", tmp_path / "out", tmp_path / "out/results.json")
    assert done.stdout.count("| tiny (fp32)") == 2
    (root / "aid/classnames.txt").write_text("red\ngreen\n")
    done = skyscript(*common)
    assert done.returncode == 2
    (sentence,) = done.stderr.splitlines()
    assert "aid_img_txt_pairs_test.csv: line 5: label 'blue' is none of the 2 classes" in sentence


def called(*arguments):
    """Call a command in this process: torch is loaded already."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_texts_over_the_context_are_noted():
    tower = SimpleNamespace(clip=SimpleNamespace(tokenizer=open_clip.get_tokenizer("ViT-B-32")))
    assert _note_cut(["a pond", "a dam"], tower) == []
    assert _note_cut(["a pond", "a dam " * 40], tower) == [
        "1 of 2 texts are longer than the model's context (77 tokens in CLIP): it does not see "
        "their end"
    ]
