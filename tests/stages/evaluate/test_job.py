"""An evaluation as a whole: what it writes, says and refuses, and how it goes on."""

import json
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import InputError
from stages.evaluate import read_results
from stages.evaluate.embedding import note_cut
from tests.conftest import skyscript
from tests.stages.evaluate.runs import COLOURED, SCENES, run, stock

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from tests.skyscript.benchmarks.made_benchmarks import colour_set, write_image, write_rows  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


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
    assert note_cut(["a pond", "a dam"], tower, "texts") == []
    assert note_cut(["a pond", "a dam " * 40], tower, "texts") == [
        "1 of 2 texts are longer than the model's context (77 tokens in CLIP): it does not see "
        "their end"
    ]
