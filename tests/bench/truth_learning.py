"""What truth-aware training does to a small CLIP: `python -m tests.bench.truth_learning RUN`.

RUN is a run with the table `truth` and the unfiltered CSV. One object in seven is held out; a small
CLIP from random weights, the same steps and the same beginning for every arm of a seed. Printed is
the mean recall of held-out pairs (ranks 1, 5, 10, both ways) with relevance by equal title and by
truth, in percent: the mean over the seeds and their standard deviation, and the mean difference to
the second arm seed by seed with its standard error.
"""

from __future__ import annotations

import argparse
import csv
import logging
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image

from skyscript import chance
from skyscript.benchmarks import CaptionedImages
from skyscript.clip.export import export_model
from skyscript.clip.model import Clip, load_clip, unit
from skyscript.clip.source import ClipConfig, find_clip
from stages.evaluate.by_truth import rank_by_truth
from stages.evaluate.retrieval import rank_by_all_ways
from stages.train.loop import train
from tests.bench.learning import BATCH, Row, settings, write

SIDE, INPUT, STEPS = 40, 32, 120
TOWER = {"layers": 2, "width": 64}
MODEL = {
    "embed_dim": 64,
    "vision_cfg": {**TOWER, "image_size": INPUT, "head_width": 32, "patch_size": 8},
    "text_cfg": {**TOWER, "heads": 2, "context_length": 77, "vocab_size": 49408},
}
ARMS = {
    "plain loss": {"same_text": "negative"},
    "equal captions are no negatives": {"same_text": "positive"},
    "nor are images that show what a caption names": {"same_text": "positive", "truth": None},
}
WAYS = ("published", "truth", "truth_judged")
log = logging.getLogger("truth_learning")
Measured = Callable[[Path, Path, list[Row], Path], dict[str, float]]
"""Gives figures of a model from the folder of work, the model, the held-out pairs and the run."""


def make_pairs(run: Path, work: Path) -> tuple[Path, list[Row]]:
    """Make small images. Give the CSV to train on, and the held-out pairs."""
    with (run / "SkyScript_train_unfiltered.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["filepath"], row["title"]) for row in csv.DictReader(file)]
    for path, _ in rows:
        small = work / "small" / path
        small.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(run / path) as image:
            image.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(small, quality=95)
    out = [chance.uniform(0, path.split("_")[0], "held out") < 1 / 7 for path, _ in rows]
    rest = [row for row, is_out in zip(rows, out, strict=True) if not is_out]
    held = [row for row, is_out in zip(rows, out, strict=True) if is_out]
    log.info("%d pairs to train on, %d held out", len(rest), len(held))
    return write(work / "train.csv", rest), held


def beginning(work: Path, seed: int) -> None:
    """Make a model that has learnt nothing."""
    torch.manual_seed(seed)
    export_model(open_clip.CLIP(**MODEL), MODEL, work / f"model-{seed}")


def learn(work: Path, data: Path, name: str, options: dict[str, Any], seed: int, run: Path) -> Path:
    """Train with some options, of which None stands for the run. Give the folder of the model."""
    given = {key: run if value is None else value for key, value in options.items()}
    config = settings(work, data, name, seed, STEPS, **given)
    return train(config, lambda _: None) / "export"


def embed(clip: Clip, folder: Path, paths: list[str]) -> np.ndarray:
    """Give the vectors of small images in a folder."""
    pixels = np.empty((len(paths), INPUT, INPUT, 3), np.uint8)
    for number, path in enumerate(paths):
        with Image.open(folder / path) as image:
            pixels[number] = image.resize((INPUT, INPUT), Image.Resampling.BICUBIC)
    batches = np.split(pixels, range(clip.image_batch, len(pixels), clip.image_batch))
    return unit(np.concatenate(list(clip.encode_images(batches, "fp32"))))


def embed_pairs(
    images_root: Path, model: Path, held: list[Row]
) -> tuple[CaptionedImages, np.ndarray, np.ndarray]:
    """Give held-out pairs as a set for retrieval, with the vectors of images and distinct texts."""
    clip = load_clip(find_clip(ClipConfig(model=f"local-dir:{model}")), "cpu")
    images = embed(clip, images_root, [path for path, _ in held])
    texts, text_of = np.unique([title for _, title in held], return_inverse=True)
    words = unit(clip.encode_texts(texts.tolist(), "fp32"))
    paths = [path for path, _ in held]
    data = CaptionedImages(paths, paths, texts.tolist(), np.arange(len(held)), text_of, [])
    return data, images, words


def measure_plainly(images_root: Path, model: Path, held: list[Row]) -> float:
    """Give the mean recall of the held-out pairs in percent; an equal caption is right."""
    views = rank_by_all_ways(*embed_pairs(images_root, model, held))
    return 100 * views["published"].recalls()["mean_recall"]


def measure(work: Path, model: Path, held: list[Row], run: Path) -> dict[str, float]:
    """Give the mean recall of the held-out pairs by each way, in percent."""
    data, images, words = embed_pairs(work / "small", model, held)
    found, shares = rank_by_truth(data, images, words, run)
    log.debug("%s", shares)
    views = {**rank_by_all_ways(data, images, words), **found}
    return {way: 100 * views[way].recalls()["mean_recall"] for way in WAYS}


def table(
    found: dict[str, list[dict[str, float]]], ways: Sequence[str], base: list[dict[str, float]]
) -> Iterator[str]:
    """Yield a row for each arm: the values, and how they differ from those of another arm."""
    for arm, values in found.items():
        cells = []
        for way in ways:
            own = [value[way] for value in values]
            more = [value[way] - other[way] for value, other in zip(values, base, strict=True)]
            error = statistics.stdev(more) / len(more) ** 0.5
            cells.append(f"{statistics.mean(own):.1f} ± {statistics.stdev(own):.1f}"
                         f" ({statistics.mean(more):+.2f} ± {error:.2f})")  # fmt: skip
        yield f"| {arm} | {' | '.join(cells)} |"


def compare(
    what: str | None,
    arms: Mapping[str, dict[str, Any]],
    measured: Measured,
    ways: Sequence[str],
    base: str,
) -> None:
    """Print the table of some arms of the run on the command line, beside the arm ``base``."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("run", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    run: Path = given.run
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.DEBUG)
    torch.set_num_threads(1)
    found: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        data, held = make_pairs(run, work)
        log.info("%d steps of %d pairs", STEPS, BATCH)
        for seed in range(given.seeds):
            beginning(work, seed)
            for number, (arm, values) in enumerate(found.items()):
                model = learn(work, data, f"{number}-{seed}", arms[arm], seed, run)
                values.append(measured(work, model, held, run))
                log.info("seed %d, %s: %s", seed, arm, values[-1])
    for line in table(found, ways, found[base]):
        log.info("%s", line)


def main() -> None:
    """Print the table."""
    compare(__doc__, ARMS, measure, WAYS, "equal captions are no negatives")


if __name__ == "__main__":
    main()
