"""Zero-shot accuracy: the published protocol, written again, agrees to the last digit."""

import csv

import pyarrow.parquet as pq
import pytest
from PIL import Image

from stages.evaluate import format_tables
from stages.evaluate.published import MODELS
from tests.stages.evaluate.runs import COLOURED, SCENES, run, stock

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from tests.skyscript.benchmarks.made_benchmarks import colour_set  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


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
