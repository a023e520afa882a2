"""Makes the tiny CLIP again: ``python -m data.tiny_clip.train``, a quarter of an hour on one core.

Simulated tiles of the embedded town, drawn with other seeds than the demo's, and their captions.
One object in ten is kept out of training, for the figure that is printed: how often a pair scores
above the same image with another pair's caption (AUC). Every draw is seeded; the weights follow the
captions, so they change a little where the vocabulary does.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file

from pipeline.config import load_config
from pipeline.runner import run
from skyscript import chance
from stages import PIPELINE
from stages.train.loss import multi_positive_loss

HERE = Path(__file__).parent
TOY = HERE.parent / "toy" / "toy.yaml"
WEIGHTS = "open_clip_model.safetensors"
SEED = 5
TOWN_SEEDS = (11, 12)
"""Each is a run of the pipeline over the town; the demo's own is 7."""
OBJECTS = 4000
"""Focus objects of each run."""
BATCH = 256
RATE = 1.5e-3
MARGIN = 16
"""Pixels a tile is larger than the model's image, for random crops."""

log = logging.getLogger(__name__)


class Pairs(NamedTuple):
    """Images as bytes of pixels, and their two captions."""

    pixels: torch.Tensor
    captions: list[tuple[str, str]]


def make_pairs(work: Path, side: int) -> tuple[Pairs, Pairs]:
    """Run the pipeline over the town; give the pairs for training and those kept out."""
    rows: list[tuple[Path, str, str]] = []
    for seed in TOWN_SEEDS:
        root = work / f"town-{seed}"
        overrides = [f"seed={seed}", f"sample.max_objects={OBJECTS}", "runner.workers=1"]
        run(PIPELINE, load_config(TOY, PIPELINE, overrides), root, lambda _: None)
        with (root / "SkyScript_train_unfiltered.csv").open(encoding="utf-8", newline="") as file:
            for path, single, multi in list(csv.reader(file))[1:]:
                rows.append((root / path, single, multi))
    kept_out = [chance.uniform(SEED, row[0].name.split("_")[0], "kept out") < 0.1 for row in rows]
    return (
        _load([row for row, out in zip(rows, kept_out, strict=True) if not out], side),
        _load([row for row, out in zip(rows, kept_out, strict=True) if out], side),
    )


def _load(rows: list[tuple[Path, str, str]], side: int) -> Pairs:
    pixels = np.empty((len(rows), 3, side, side), np.uint8)
    for index, (path, _, _) in enumerate(rows):
        with Image.open(path) as image:
            square = min(image.size)
            left, top = (image.width - square) // 2, (image.height - square) // 2
            box = (left, top, left + square, top + square)
            small = image.resize((side, side), Image.Resampling.BICUBIC, box)
        pixels[index] = np.asarray(small).transpose(2, 0, 1)
    return Pairs(torch.from_numpy(pixels), [(single, multi) for _, single, multi in rows])


def batches(pairs: Pairs, side: int, generator: torch.Generator) -> Iterator[tuple[Any, list[str]]]:
    """Give one epoch: crops turned by quarters and mirrored, either caption of each."""
    order = torch.randperm(len(pairs.captions), generator=generator)
    for chosen in torch.split(order, BATCH)[:-1]:
        top, left, turn, mirror = (
            int(torch.randint(high, (1,), generator=generator))
            for high in (MARGIN + 1, MARGIN + 1, 4, 2)
        )
        pixels = pairs.pixels[chosen, :, top : top + side, left : left + side]
        pixels = pixels.rot90(turn, (2, 3))
        which = torch.randint(2, (len(chosen),), generator=generator).tolist()
        titles = [pairs.captions[i][w] for i, w in zip(chosen.tolist(), which, strict=True)]
        yield pixels.flip(3) if mirror else pixels, titles


def contrast(images: torch.Tensor, texts: torch.Tensor, titles: list[str]) -> torch.Tensor:
    """Give the contrastive loss where pairs of one and the same caption are all right answers."""
    ids = {title: number for number, title in enumerate(dict.fromkeys(titles))}
    label = torch.tensor([ids[title] for title in titles])
    logits = images @ texts.T
    return multi_positive_loss(logits, logits.T, label[:, None] == label[None, :])


def train(model: Any, tokenizer: Any, pairs: Pairs, config: Any, epochs: int) -> None:  # noqa: ANN401
    """Train the model in place."""
    side = config["model_cfg"]["vision_cfg"]["image_size"]
    generator = torch.Generator().manual_seed(SEED)
    steps = epochs * (-(-len(pairs.captions) // BATCH) - 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    model.train()
    for epoch in range(epochs):
        total = 0.0
        for pixels, titles in batches(pairs, side, generator):
            images = model.encode_image(_normalised(pixels, config), normalize=True)
            texts = model.encode_text(tokenizer(titles), normalize=True)
            loss = contrast(model.logit_scale.exp().clamp(max=100) * images, texts, titles)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
        log.info("epoch %d of %d: loss %.3f", epoch + 1, epochs, total / (steps / epochs))
    model.eval()


def _normalised(pixels: torch.Tensor, config: Any) -> torch.Tensor:  # noqa: ANN401
    mean, std = (
        torch.tensor(config["preprocess_cfg"][name])[:, None, None] for name in ("mean", "std")
    )
    return (pixels.float() / 255 - mean) / std


def auc(model: Any, tokenizer: Any, pairs: Pairs, config: Any) -> float:  # noqa: ANN401
    """Give how often a pair scores above an image with a caption of another pair."""
    inner = slice(MARGIN // 2, -MARGIN // 2)
    titles = [single for single, _ in pairs.captions]
    with torch.no_grad():
        images = model.encode_image(_normalised(pairs.pixels[:, :, inner, inner], config), True)
        texts = model.encode_text(tokenizer(titles), True)
    scores = images @ texts.T
    same = torch.tensor([[a == b for b in titles] for a in titles])
    right, wrong = scores.diagonal(), scores[~same].sort().values
    return float(torch.searchsorted(wrong, right.contiguous()).float().mean() / len(wrong))


def main() -> None:
    """Make the pairs, train, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, help="Folder of the weights.")
    parser.add_argument(
        "--work", type=Path, help="Folder for the runs; by default a temporary one."
    )
    parser.add_argument("--epochs", type=int, default=8)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    config = json.loads((HERE / "open_clip_config.json").read_text("utf-8"))
    side = config["model_cfg"]["vision_cfg"]["image_size"] + MARGIN
    with tempfile.TemporaryDirectory() as temporary:
        pairs, kept_out = make_pairs(given.work or Path(temporary), side)
    log.info("%d pairs to train on, %d kept out", len(pairs.captions), len(kept_out.captions))
    model = open_clip.CLIP(**config["model_cfg"])
    tokenizer = open_clip.SimpleTokenizer()
    train(model, tokenizer, pairs, config, given.epochs)
    log.info("AUC of pairs kept out: %.3f", auc(model, tokenizer, kept_out, config))
    weights = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    save_file(weights, given.out / WEIGHTS)


if __name__ == "__main__":
    main()
