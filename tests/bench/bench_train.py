"""Training against open_clip's own entry (`python -m open_clip_train.main`): pairs a second.

The same CSV, tiles, architecture, augmentation, batch and worker processes, fp32 on the CPU; both
take turns, and each one's first steps, in which processes start, are left out.
Run: pytest -m bench -s tests/bench/bench_train.py
"""

import csv
import json
import os
import re
import subprocess
import sys
import time
import types

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")
pytest.importorskip("webdataset")  # open_clip's own entry asks for it

from stages.train.config import TrainConfig  # noqa: E402
from stages.train.loading import PairDataset, load_batches, load_pairs  # noqa: E402
from stages.train.sampler import Batches, Split  # noqa: E402
from stages.train.transforms import training_transform  # noqa: E402
from tests.bench.record import record  # noqa: E402
from tests.conftest import COMMAND, REPOSITORY  # noqa: E402

pytestmark = [pytest.mark.bench, pytest.mark.filterwarnings("ignore")]

MODEL = "ViT-S-32"
PAIRS, BATCH, ROUNDS = 128, 16, 2
FIRST = 2
"""Steps that are left out."""
WORDS = ["building", "road of residential", "surface of asphalt", "natural tree", "power pole"]
AUGMENTATION = ("use_timm=True", "color_jitter=0.4", "scale=(0.67, 1.0)", "ratio=(0.5, 2.0)")
ALONE = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """JPEGs of 400 pixels, and captions of which, as in SkyScript, most repeat another."""
    root = tmp_path_factory.mktemp("pairs")
    draw = np.random.default_rng(0)
    with (root / "pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filepath", "title"])
        for number in range(PAIRS):
            coarse = Image.fromarray(draw.integers(0, 255, (20, 20, 3), np.uint8))
            pixels = np.asarray(coarse.resize((400, 400))) + draw.normal(0, 10, (400, 400, 3))
            path = root / f"{number}.jpg"
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=90)
            words = ", ".join(draw.choice(WORDS, draw.integers(1, 4)))
            writer.writerow([path, f"a satellite image of {words}"])
    return root


def theirs(pairs, runs, number):
    """Pairs a second of open_clip's entry: median over its steps."""
    command = [sys.executable, "-m", "open_clip_train.main", "--train-data", pairs / "pairs.csv"]
    command += ["--csv-separator", ",", "--model", MODEL, "--batch-size", BATCH, "--epochs", 1]
    command += ["--workers", 1, "--device", "cpu", "--precision", "fp32", "--log-every-n-steps", 1]
    command += ["--lr", "1e-6", "--warmup", 10, "--logs", runs, "--name", f"theirs-{number}"]
    command += ["--aug-cfg", *AUGMENTATION]
    done = subprocess.run(
        [str(word) for word in command], env=ALONE, capture_output=True, text=True, check=True
    )
    times = [float(value) for value in re.findall(r"Batch \(t\): ([0-9.]+)", done.stderr)]
    assert len(times) == PAIRS // BATCH, done.stderr
    return BATCH / float(np.median(times[FIRST:]))


def ours(pairs, runs, number, *options):
    """The same of ours."""
    name = f"ours-{number}-{len(options)}"
    command = [*COMMAND, "train", "--train-data", pairs / "pairs.csv"]
    command += ["--model", MODEL, "--batch-size", BATCH, "--epochs", 1, "--workers", 1]
    command += ["--device", "cpu", "--precision", "fp32", "--log-every-n-steps", 1, *options]
    command += ["--lr", "1e-6", "--warmup", 10, "--runs", runs, "--name", name]
    command += ["--no-random-rotation", "--save-frequency", 0, "--aug-cfg", *AUGMENTATION]
    subprocess.run([str(word) for word in command], env=ALONE, capture_output=True, check=True)
    lines = (runs / name / "progress.jsonl").read_text().splitlines()
    return float(np.median([json.loads(line)["samples_per_second"] for line in lines][FIRST:]))


def test_pairs_a_second(pairs, tmp_path):
    plain = ("--optimizer", "adamw", "--same-text", "negative")
    found = [
        (theirs(pairs, tmp_path, n), ours(pairs, tmp_path, n, *plain), ours(pairs, tmp_path, n))
        for n in range(ROUNDS)
    ]
    base, same, full = np.median(found, 0)
    print(
        f"\n{MODEL}, one thread and one worker: open_clip's entry {base:.1f} pairs/s; ours with "
        f"its optimiser and loss {same:.1f}: {same / base:.2f} x, with ours {full:.1f}: "
        f"{full / base:.2f} x"
    )
    for name, how, rate in (
        ("train", "plain optimiser and loss", same),
        ("train_default", "as it is by default", full),
    ):
        what = f"`train`, {MODEL}, one thread, one worker, {how}"
        against = "`python -m open_clip_train.main`"
        record(name, what=what, against=against, ratio=rate / base)
    assert same > base


def test_loading_a_second(pairs):
    """Batches alone, without a model: one worker process each."""
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from open_clip_train.data import get_csv_dataset

    preprocess = {**vars(PreprocessCfg()), "size": 224}
    tokenizer = open_clip.get_tokenizer(MODEL)
    config = TrainConfig(train_data=pairs / "pairs.csv", workers=1, random_rotation=False)
    transform = image_transform_v2(PreprocessCfg(), True, aug_cfg=config.aug_cfg.open_clip())
    arguments = types.SimpleNamespace(
        train_data=str(pairs / "pairs.csv"), csv_img_key="filepath", csv_caption_key="title",
        csv_separator=",", distributed=False, batch_size=BATCH, workers=1,
    )  # fmt: skip
    known = load_pairs(config.train_data, config)

    def plain():
        info = get_csv_dataset(arguments, transform, True, tokenizer=tokenizer)
        return iter(info.dataloader)

    def fast():
        dataset = PairDataset(known, training_transform(preprocess, config), tokenizer, 0)
        batches = Batches(known.texts, Split(BATCH, 1, 1, 0), 1, 0, "shuffled")
        return load_batches(dataset, batches, config, "cpu")

    seconds = [[], []]
    for _ in range(3):
        for times, make in zip(seconds, (plain, fast), strict=True):
            given = make()
            next(given)  # the worker has started
            start = time.perf_counter()
            count = sum(len(batch[0]) for batch in given)
            times.append((time.perf_counter() - start) / count)
    base, found = (1 / float(np.median(times)) for times in seconds)
    print(f"\nloading: open_clip {base:.0f} pairs/s, ours {found:.0f}: {found / base:.2f} x")
    assert found > base
    what, against = "`train`, its loading alone, one worker", "open_clip_train's CSV dataset"
    record("train_loading", what=what, against=against, ratio=found / base)
