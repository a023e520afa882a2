"""Scoring with the tiny CLIP in this process, and the files that it reads and writes."""

import csv

import numpy as np
from PIL import Image

from pipeline.config import config_of_command
from pipeline.errors import ItemsFailed
from pipeline.runner import run
from stages import SCORE_JOB

TINY = {"model": "tiny", "name": "tiny", "threads": 1}


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def score(captions, images, out, *overrides, block=TINY):
    """Run the job here; give what each stage said it did."""
    given = {"captions": captions, "images": images, "score": block}
    settings = config_of_command(
        given, SCORE_JOB, ["runner.executor=serial", "pairs.shard_rows=64", *overrides], "score"
    )
    events = []
    try:
        run(SCORE_JOB, settings, out, events.append)
    except ItemsFailed as error:
        return events, str(error)
    return events, ""


def ran(events):
    return {event.stage: event.ran for event in events if hasattr(event, "ran")}


def captions_of(demo):
    return demo / "SkyScript_train_unfiltered.csv"


def draw_images(folder, names, seed=0):
    """Write images of random pixels."""
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(seed)
    for name in names:
        pixels = draw.integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name, quality=95)
