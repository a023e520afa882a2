"""What decides the weights of a training. A checkpoint of other values is not resumed."""

from __future__ import annotations

import json
from typing import Any

from stages.train.config import TrainConfig
from stages.train.model import InitialModel
from stages.train.pairs import Pairs
from stages.train.sampler import Split
from stages.train.tower_config import LOCKS


def make_identity(
    config: TrainConfig, initial: InitialModel, pairs: Pairs, split: Split
) -> dict[str, Any]:
    """Return everything that decides the weights. The split into devices and batches does not."""
    found = {**config.identity(), **initial.identity}
    found |= {"pairs": pairs.identity, "pairs a step": split.step}
    files = ("model", "pretrained", "train_data", "val_data", "root_data_dir", "truth")
    for name in (*files, "statements"):  # their content is part of it instead
        found.pop(name)
    for name in ("hard_negatives", *LOCKS):  # older checkpoints do not name these
        found[name] = found[name] or None
    if pairs.truth is not None:
        found["truth"] = pairs.truth.of.identity
    if pairs.choice.statements is not None:
        found["statements"] = pairs.choice.statements.identity
    if config.gather == "own-rank":
        found["devices"] = split.world
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain
