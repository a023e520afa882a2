"""What filtering, and knowing equal captions, do to a model: `python -m tests.bench.learning`.

Simulated tiles of the embedded town, one object in seven held out; a small CLIP from random
weights, the same steps and the same beginning for every arm of a seed. The half is the better one
by the score of the tiny CLIP that ships (which learnt other tiles of the same town), or drawn at
random. What is printed is the mean recall of held-out pairs (ranks 1, 5, 10, both ways; an equal
caption is a right answer), in percent: the mean over the seeds and their standard deviation.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.runner import run
from skyscript import chance
from skyscript.clip.export import export_model
from skyscript.clip.model import load_clip, unit
from skyscript.clip.source import ClipConfig, find_clip
from stages import PIPELINE
from stages.train.config import TrainConfig
from stages.train.loop import train

OBJECTS, SIDE, INPUT = 3000, 80, 64
BATCH, STEPS = 64, 160
SEEDS = (0, 1, 2)
TOWER = {"layers": 3, "width": 128}
MODEL = {
    "embed_dim": 128,
    "vision_cfg": {**TOWER, "image_size": INPUT, "head_width": 32, "patch_size": 16},
    "text_cfg": {**TOWER, "heads": 4, "context_length": 77, "vocab_size": 49408},
}
PLAIN = {"same_text": "negative", "batches": "shuffled"}
ARMS = {
    "whole, plain loss": ("whole", PLAIN),
    "whole, equal captions left out": ("whole", PLAIN | {"same_text": "positive"}),
    "whole, plain loss, distinct texts": ("whole", PLAIN | {"batches": "distinct-texts"}),
    "better half, plain loss": ("better", PLAIN),
    "random half, plain loss": ("random", PLAIN),
}

Row = tuple[str, str]
log = logging.getLogger("learning")


def make_pairs(work: Path) -> list[Row]:
    """Run the pipeline over the town; give paths and captions, the tiles made small."""
    town = work / "town"
    options = [f"sample.max_objects={OBJECTS}", "runner.workers=1", "seed=21"]
    run(PIPELINE, load_config(TOY, PIPELINE, options), town, lambda _: None)
    rows = []
    with (town / "SkyScript_train_unfiltered.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            small = work / "small" / row["filepath"]
            small.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(town / row["filepath"]) as image:
                image.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(small, quality=95)
            rows.append((row["filepath"], row["title"]))
    return rows


def scores(work: Path, rows: list[Row]) -> np.ndarray:
    """Give the similarity that the tiny CLIP sees in each pair."""
    clip = load_clip(find_clip(ClipConfig(model="tiny")), "cpu")
    side = clip.model.visual.image_size
    side = side[0] if isinstance(side, tuple) else side
    pixels = np.empty((len(rows), side, side, 3), np.uint8)
    for number, (path, _) in enumerate(rows):
        with Image.open(work / "town" / path) as image:
            square = min(image.size)
            left, top = (image.width - square) // 2, (image.height - square) // 2
            box = (left, top, left + square, top + square)
            pixels[number] = image.resize((side, side), Image.Resampling.BICUBIC, box)
    batches = np.split(pixels, range(clip.image_batch, len(pixels), clip.image_batch))
    images = unit(np.concatenate(list(clip.encode_images(batches, "amp"))))
    return (images * unit(clip.encode_texts([title for _, title in rows], "amp"))).sum(1)


def write(path: Path, rows: list[Row]) -> Path:
    """Write a CSV of pairs."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("filepath", "title"), *rows])
    return path


def split(work: Path) -> tuple[dict[str, Path], Path]:
    """Give the CSVs to train on, and the one held out."""
    rows = make_pairs(work)
    out = [chance.uniform(0, path.split("_")[0], "held out") < 1 / 7 for path, _ in rows]
    held = [row for row, is_out in zip(rows, out, strict=True) if is_out]
    rest = [row for row, is_out in zip(rows, out, strict=True) if not is_out]
    rest = rest[: len(rest) // (2 * BATCH) * 2 * BATCH]  # whole and halves fill whole steps
    best = np.sort(np.argsort(-scores(work, rest), kind="stable")[: len(rest) // 2])
    some = np.sort(chance.generator(0, "", "random half").permutation(len(rest))[: len(rest) // 2])
    files = {
        "whole": write(work / "whole.csv", rest),
        "better": write(work / "better.csv", [rest[row] for row in best]),
        "random": write(work / "random.csv", [rest[row] for row in some]),
    }
    log.info("%d pairs to train on, %d held out", len(rest), len(held))
    shared = 1 - len({title for _, title in rest}) / len(rest)
    log.info("%.0f %% of the captions repeat another", 100 * shared)
    return files, write(work / "held.csv", held)


def beginning(work: Path, seed: int) -> Path:
    """Give a model that has learnt nothing."""
    folder = work / f"model-{seed}"
    torch.manual_seed(seed)
    export_model(open_clip.CLIP(**MODEL), MODEL, folder)
    return folder


def settings(
    work: Path, data: Path, name: str, seed: int, steps: int, **options: Any
) -> TrainConfig:
    """Give the config of so many steps on a CSV, from the beginning of a seed."""
    count = sum(1 for _ in data.open(encoding="utf-8")) - 1
    return TrainConfig(
        model=f"local-dir:{work / f'model-{seed}'}",
        train_data=data,
        root_data_dir=work / "small",
        runs=work / "runs",
        name=name,
        batch_size=BATCH,
        epochs=round(steps / (count // BATCH)),
        save_frequency=0,
        warmup=20,
        lr=1e-3,
        wd=0.2,
        optimizer="adamw",
        seed=seed,
        workers=0,
        device="cpu",
        **options,
    )


def recall(work: Path, files: dict[str, Path], held: Path, arm: str, seed: int) -> float:
    """Train an arm; give the mean recall of held-out pairs, in percent."""
    data, options = ARMS[arm]
    name = f"{arm.replace(',', '').replace(' ', '-')}-{seed}"
    config = settings(work, files[data], name, seed, STEPS, val_data=held, **options)
    config = config.model_copy(update={"val_frequency": config.epochs})
    train(config, lambda _: None)
    results = (work / "runs" / name / "checkpoints/results.jsonl").read_text().splitlines()
    values = json.loads(results[-1])
    return 100 * statistics.mean(value for key, value in values.items() if "_R@" in key)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="Folder to work in, by default a temporary one.")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        files, held = split(work)
        found: dict[str, list[float]] = {arm: [] for arm in ARMS}
        for seed in SEEDS:
            beginning(work, seed)
            for arm, values in found.items():
                values.append(recall(work, files, held, arm, seed))
                log.info("seed %d, %s: %.1f", seed, arm, values[-1])
    log.info("\n| trained on | mean recall, held out |\n|---|---|")
    for arm, values in found.items():
        log.info("| %s | %.1f ± %.1f |", arm, statistics.mean(values), statistics.stdev(values))


if __name__ == "__main__":
    main()
