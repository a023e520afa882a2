"""What a cut of faulty pairs does to a small CLIP: `python -m tests.bench.noise_learning RUN WORK`.

RUN is a run of the simulated town. One object in seven is held out; faults are planted
among the other pairs, 8 % of each of five kinds (`tests.stages.planted_noise`). Three cuts keep the
same number of them: the best by the learned mix, the best by the best single column, and a random
one. A small CLIP from random weights takes the same steps on each, from the same beginning in each
seed. Printed is the mean recall of held-out pairs (ranks 1, 5, 10, both ways; an equal caption is a
right answer), in percent, and the difference to the random cut seed by seed, with the 95 % interval
of its mean (Student's t).
"""

from __future__ import annotations

import argparse
import csv
import logging
import statistics
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import torch
from PIL import Image

from pipeline.run import Run
from skyscript import chance
from stages.filter import FilterConfig, filter_csv
from stages.train.loop import train
from tests.bench.learning import Row, settings, write
from tests.bench.truth_learning import SIDE, beginning, measure_plainly
from tests.stages.planted_noise import COLUMNS, areas, measure_columns, plant

KEPT = 60
"""Percentage of the pairs that each cut keeps; 60 % are good."""
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 8: 2.365, 10: 2.262}
"""Student's t of a 95 % interval by the number of seeds."""
log = logging.getLogger("noise_learning")


def prepare(run: Run, work: Path) -> tuple[dict[str, Path], list[Row]]:
    """Plant faults, cut, and shrink images. Give the CSV of each cut, and the held-out pairs."""
    noisy = work / "noisy"
    noisy.mkdir()
    rows, kinds = plant(run, noisy)
    columns = measure_columns(run, noisy, rows)
    held_out = np.array([chance.uniform(0, row["object_id"], "held out") < 1 / 7 for row in rows])
    good = np.array([kind is None for kind in kinds])
    by_kind = areas(columns, kinds)["all"]
    best = max(by_kind, key=lambda name: by_kind[name])
    log.info("best column: %s, area under the curve %.3f", best, by_kind[best])
    table = pa.csv.read_csv(noisy / "columns.csv").filter(pa.array(~held_out))
    pa.csv.write_csv(table, noisy / "training.csv")
    labels = {"filepath": table["filepath"], "label": pa.array(good[~held_out].astype(int))}
    pa.csv.write_csv(pa.table(labels), noisy / "labels.csv")
    learned = {"combine": "learned", "labels": noisy / "labels.csv"}
    cuts = {
        "the mix": _cut(noisy, "mix", by=COLUMNS, **learned),
        best: _cut(noisy, "best", by=(best,)),
    }
    paths = table["filepath"].to_pylist()
    draws = chance.uniforms(0, paths, "random cut")
    cuts["random"] = {paths[at] for at in np.argsort(draws)[: len(cuts["the mix"])].tolist()}
    faulty = {row["filepath"] for row, is_good in zip(rows, good, strict=True) if not is_good}
    files = {}
    for number, (name, kept) in enumerate(cuts.items()):
        pairs = [(row["filepath"], row["title"]) for row in rows if row["filepath"] in kept]
        log.info(
            "%s: %d pairs, %.1f %% faulty", name, len(pairs), 100 * len(kept & faulty) / len(kept)
        )
        files[name] = write(work / f"{number}.csv", pairs)
    titles = _titles(run)
    held = [row["filepath"] for row, is_held in zip(rows, held_out, strict=True) if is_held]
    _shrink(run.root, work / "clean", held)
    _shrink(noisy, work / "small", paths)
    return files, [(path, titles[path]) for path in held]


def _cut(noisy: Path, name: str, **options: object) -> set[str]:
    """Give the paths that the filter keeps."""
    config = FilterConfig(split="random", test_rows=0, val_rows=0, top=(KEPT,), **options)
    filter_csv(noisy / "training.csv", noisy / name, config)
    (file,) = (noisy / name).glob("SkyScript_train_top*.csv")
    with file.open(encoding="utf-8", newline="") as rows:
        return {row["filepath"] for row in csv.DictReader(rows)}


def _titles(run: Run) -> dict[str, str]:
    """Give the captions as they were before the faults."""
    with (run.root / "SkyScript_train_unfiltered.csv").open(encoding="utf-8", newline="") as file:
        return {row["filepath"]: row["title"] for row in csv.DictReader(file)}


def _shrink(root: Path, out: Path, paths: list[str]) -> None:
    for path in paths:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        with Image.open(root / path) as image:
            image.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(out / path, quality=95)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("work", type=Path, help="Folder to work in, which does not exist.")
    parser.add_argument("--seeds", type=int, default=5, choices=T_95)
    parser.add_argument("--steps", type=int, default=120)
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    torch.set_num_threads(1)
    given.work.mkdir()
    files, held = prepare(Run(given.run), given.work)
    found: dict[str, list[float]] = {name: [] for name in files}
    for seed in range(given.seeds):
        beginning(given.work, seed)
        for name, data in files.items():
            config = settings(given.work, data, f"{data.stem}-{seed}", seed, given.steps)
            model = train(config, lambda _: None) / "export"
            found[name].append(measure_plainly(given.work / "clean", model, held))
            log.info("seed %d, %s: %.2f", seed, name, found[name][-1])
    for name, values in found.items():
        more = [one - other for one, other in zip(values, found["random"], strict=True)]
        half = T_95[given.seeds] * statistics.stdev(more) / len(more) ** 0.5
        own = f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"
        log.info("| %s | %s | %+.2f ± %.2f |", name, own, statistics.mean(more), half)


if __name__ == "__main__":
    main()
