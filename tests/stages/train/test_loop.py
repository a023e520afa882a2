"""Training: it learns, it does the same alone and in company, and it goes on after a kill."""

import json

import numpy as np
import open_clip
import pyarrow as pa
import pytest
import torch

from pipeline.errors import ConfigError
from skyscript.benchmarks import zero_shot
from skyscript.clip.model import Clip, load_clip
from skyscript.clip.source import ClipConfig, find_clip
from stages.train import validate as checks
from stages.train.config import TrainConfig
from stages.train.loop import _log_cut, train
from stages.train.pairs import number_captions
from tests.conftest import assert_close
from tests.stages.train.conftest import CSV, kill_at_step, losses, run_alone, weights, words

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

STEPS = 1e-4
"""The relative error of losses after some steps: each of Adam's multiplies that of rounding."""


def learn(options, **more):
    """Train; give the run's folder and what was reported."""
    told = []
    folder = train(TrainConfig(**{**options, **more}), told.append)
    return folder, told


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def test_a_tiny_model_overfits_the_demo(options, town, tmp_path):
    few = tmp_path / "few.csv"
    few.write_text("".join((town / CSV).read_text().splitlines(keepends=True)[:25]))
    whole = {"random_rotation": False, "aug_cfg": {"scale": (1, 1), "ratio": (1, 1)}}
    whole["aug_cfg"]["color_jitter"] = None
    folder, _ = learn(
        options | whole,
        train_data=few,
        val_data=few,
        val_frequency=40,
        batch_size=24,
        epochs=40,
        warmup=5,
        lr=2e-3,
        wd=0.0,
    )
    result = json.loads((folder / "checkpoints/results.jsonl").read_text())
    assert losses(folder)[0] > 2.5
    assert losses(folder)[-1] < 0.5
    assert result["image_to_text_R@1"] > 0.95
    assert result["text_to_image_R@1"] > 0.95


def test_two_processes_learn_and_evaluate_as_one_does(options, town, tmp_path):
    root = tmp_path / "benchmarks"
    benchmark_of_tiles(root, town)
    more = {"val_data": options["train_data"], "val_frequency": 3, "batch_size": 16}
    more |= {"benchmark_root": root, "zeroshot_frequency": 3}
    one, _ = learn(options | more, accum_freq=2)
    together = run_alone(*words(options | more | {"name": "two", "workers": 1}), processes=2)
    assert together.returncode == 0, together.stderr
    assert len(losses(one)) == 6
    assert_close(losses(one), losses(options["runs"] / "two"), STEPS)
    results = [
        json.loads((options["runs"] / name / "checkpoints/results.jsonl").read_text())
        for name in ("run", "two")
    ]
    assert {"aid_top1", "clip_loss", "image_to_text_R@1"} <= results[0].keys()
    assert results[0] == pytest.approx(results[1], rel=1e-4, abs=1e-4)


def test_accumulated_batches_are_one_large_batch(options):
    whole, _ = learn(options, name="whole")
    parts, _ = learn(options, name="parts", batch_size=8, accum_freq=4)
    assert_close(losses(whole), losses(parts), STEPS)
    scales = [weights(folder)["logit_scale"].item() for folder in (whole, parts)]
    assert_close(*scales)


def test_shards_teach_the_same_as_the_csv_and_the_images(options, town, tmp_path):
    import csv

    from webdataset import TarWriter

    with TarWriter(str(tmp_path / "pairs-0.tar")) as file:
        for row in csv.DictReader((town / CSV).open()):
            pixels = (town / row["filepath"]).read_bytes()
            key = row["filepath"].removesuffix(".jpg")
            file.write({"__key__": key, "jpg": pixels, "txt": row["title"]})
    files, _ = learn(options, name="files", epochs=1)
    tars, _ = learn(options, name="tars", epochs=1, train_data=tmp_path / "pairs-{0..0}.tar")
    assert same(weights(files), weights(tars))


def test_the_weights_do_not_depend_on_worker_processes(options):
    none, _ = learn(options, name="none", epochs=2)
    some, _ = learn(options, name="some", epochs=2, workers=2)
    assert same(weights(none), weights(some))


def test_after_kill_9_the_same_command_ends_at_the_same_weights(options):
    unbroken, _ = learn(options, name="unbroken", epochs=8)
    broken = options | {"name": "broken", "epochs": 8, "save_steps": 1}
    folder = options["runs"] / "broken"
    done = kill_at_step(broken, 5)
    assert 0 < done < 16
    learn(broken)
    assert same(weights(unbroken), weights(folder))
    assert losses(folder) == losses(unbroken)


def test_a_checkpoint_in_the_middle_of_an_epoch_is_gone_on_from(options, monkeypatch):
    whole, _ = learn(options, name="whole", batch_size=16)  # 4 steps an epoch
    stopping = options | {"name": "cut", "batch_size": 16, "save_steps": 1}

    def stop(step):
        if step.done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(TrainConfig(**stopping), stop)
    folder = options["runs"] / "cut"
    assert torch.load(folder / "checkpoints/epoch_latest.pt", weights_only=True)["step"] == 6
    learn(stopping)
    assert same(weights(whole), weights(folder))
    assert [json.loads(line)["step"] for line in (folder / "progress.jsonl").open()] == [
        *range(1, 13)
    ]


def test_a_run_that_is_finished_does_nothing_more(options):
    folder, _ = learn(options)
    before = (folder / "checkpoints/epoch_latest.pt").stat().st_mtime_ns
    _, told = learn(options)
    assert told == []
    assert (folder / "checkpoints/epoch_latest.pt").stat().st_mtime_ns == before


def test_a_run_does_not_go_on_with_other_options(options):
    learn(options, epochs=1)
    with pytest.raises(
        ConfigError, match="a training with other lr, seed; give this training another"
    ):
        learn(options, epochs=1, lr=1e-4, seed=1)


def test_checkpoints_are_open_clips_and_the_export_needs_no_flags(options, tiny_vit, tmp_path):
    import open_clip

    folder, _ = learn(options, save_frequency=2)
    names = sorted(path.name for path in (folder / "checkpoints").glob("*.pt"))
    assert names == ["epoch_2.pt", "epoch_3.pt", "epoch_latest.pt"]
    bare = open_clip.create_model(f"local-dir:{tiny_vit}")
    open_clip.load_checkpoint(bare, str(folder / "checkpoints/epoch_3.pt"), weights_only=True)
    exported = load_clip(find_clip(ClipConfig(model=f"local-dir:{folder / 'export'}")), "cpu")
    tokens = exported.tokenizer(["a satellite image of building"])
    with torch.inference_mode():
        assert torch.equal(bare.eval().encode_text(tokens), exported.model.encode_text(tokens))
    assert isinstance(exported, Clip)


def test_zero_shot_runs_every_n_epochs_and_after_the_last(options, town, tmp_path, monkeypatch):
    root = tmp_path / "benchmarks"
    classes = benchmark_of_tiles(root, town)
    asked = []

    def counted(*arguments, **named):
        asked.append((named["rank"], named["world_size"]))
        return zero_shot(*arguments, **named)

    monkeypatch.setattr(checks, "zero_shot", counted)
    folder, _ = learn(
        options, epochs=5, benchmark_root=root, benchmarks=("aid",), zeroshot_frequency=2
    )
    lines = [json.loads(line) for line in (folder / "checkpoints/results.jsonl").open()]
    assert [line["epoch"] for line in lines] == [2, 4, 5]
    assert asked == [(0, 1)] * 3
    assert all(0 <= line["aid_top1"] <= line["aid_top5"] <= 1 for line in lines)
    assert len(classes) > 1


def benchmark_of_tiles(root, town):
    """Tiles of the town as the set `aid`: the label is the first words of the caption."""
    import csv
    import shutil

    rows = list(csv.DictReader((town / CSV).open()))[:20]
    (root / "aid").mkdir(parents=True)
    labels = [row["title"].removeprefix("a satellite image of ").split(",")[0] for row in rows]
    (root / "aid/classnames.txt").write_text("\n".join(dict.fromkeys(labels)))
    with (root / "aid/aid_img_txt_pairs_test.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filepath", "label"])
        for row, label in zip(rows, labels, strict=True):
            name = row["filepath"].rpartition("/")[2]
            shutil.copy(town / row["filepath"], root / "aid" / name)
            writer.writerow([f"aid/{name}", label])
    return set(labels)


def test_a_learning_rate_of_3e_9_is_shown_and_not_as_zero(options):
    _, told = learn(options, lr=3e-9, epochs=1, warmup=0)
    assert "LR 3.00e-09" in told[0].note


def test_more_than_the_data_holds_is_no_batch(options):
    with pytest.raises(ConfigError, match="a step takes 128 pairs, and there are only 64"):
        learn(options, batch_size=128)


@pytest.mark.parametrize("loss", ["clip", "siglip"])
@pytest.mark.parametrize("same_text", ["positive", "negative"])
def test_every_loss_learns_in_bf16_with_checkpointing(options, loss, same_text):
    folder, _ = learn(
        options,
        loss=loss,
        same_text=same_text,
        precision="amp_bf16",
        grad_checkpointing=True,
        batches="distinct-texts",
        epochs=1,
        grad_clip_norm=1.0,
        report_to=("tensorboard",),
    )
    assert np.isfinite(losses(folder)).all()
    assert weights(folder)["visual.conv1.weight"].dtype == torch.float32
    assert list((folder / "tensorboard").glob("events*"))


def test_captions_over_the_context_are_counted_by_their_pairs(caplog):
    long = "a pond, surrounded by " + "; ".join(f"road of kind{number}" for number in range(30))
    captions = pa.array([long, "a pond", long], pa.large_string())
    pairs = number_captions(None, [captions], "", TrainConfig(train_data="a.csv"))
    _log_cut(pairs, open_clip.get_tokenizer("ViT-B-32"))
    assert caplog.messages == [
        "2 of 3 captions are longer than the model's context (77 tokens in CLIP): it does not see "
        "their end"
    ]
