"""What statements do to a small CLIP: `python -m tests.bench.statement_learning RUN`.

RUN is a run with the tables `statements` and `truth` and the unfiltered CSV. One object in seven is
held out; a small CLIP from random weights, the same steps and the same beginning for every arm of a
seed. Printed is, in percent, the mean recall of held-out pairs by the ways of `truth_learning`, and
the share of false sentences on held-out images that are less like their image than the true
sentences that they twist (50 by chance): the mean over the seeds and their standard deviation, and
the mean difference to the first arm seed by seed with its standard error.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.run import Run
from skyscript.clip.model import load_clip, unit
from skyscript.clip.source import ClipConfig, find_clip
from tests.bench.learning import Row
from tests.bench.truth_learning import WAYS, compare, embed, measure

RUN = None
"""Stands for the path of the run among the options."""
SAME = {"aug_cfg": {"scale": (1.0, 1.0), "ratio": (1.0, 1.0)}, "random_rotation": False}
"""No crop and no turn, which could make a statement false."""
SAID = {"caption_weights": {"title": 1.0, "statements": 1.0}, "statements": RUN}
ARMS = {
    "plain": SAME,
    "with statements": SAME | SAID,
    "with statements and negatives": SAME | SAID | {"hard_negatives": 2},
}
CHOICE = "true_of_two"


def choose(work: Path, model: Path, held: list[Row], run: Path) -> float:
    """Give the share of negatives on held-out images whose true sentence is nearer, in percent."""
    clip = load_clip(find_clip(ClipConfig(model=f"local-dir:{model}")), "cpu")
    rows = Run(run).table("statements").to_table(columns=["filepath", "role", "text", "true_text"])
    paths = list(dict.fromkeys(path for path, _ in held))
    rows = rows.filter(
        pc.and_(pc.equal(rows["role"], "negative"), pc.is_in(rows["filepath"], pa.array(paths)))
    )
    place = {path: number for number, path in enumerate(paths)}
    image = np.array([place[path] for path in rows["filepath"].to_pylist()])
    images = embed(clip, work / "small", paths)
    near = []
    for column in ("true_text", "text"):
        texts, of = np.unique(rows[column].to_pylist(), return_inverse=True)
        words = unit(clip.encode_texts(texts.tolist(), "fp32"))
        near.append((images[image] * words[of]).sum(axis=1))
    return 100 * float((near[0] > near[1]).mean())


def measure_both(work: Path, model: Path, held: list[Row], run: Path) -> dict[str, float]:
    """Give the recall of the held-out pairs, and the share of negatives that are told."""
    return measure(work, model, held, run) | {CHOICE: choose(work, model, held, run)}


def main() -> None:
    """Print the table."""
    compare(__doc__, ARMS, measure_both, (*WAYS, CHOICE), "plain")


if __name__ == "__main__":
    main()
