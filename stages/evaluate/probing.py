"""The linear probe and the few-shot figures of a labelled set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyscript.benchmarks import LabelledImages
from skyscript.benchmarks.features import image_features
from skyscript.benchmarks.probe import Split, draw_split, fit_probe
from stages.evaluate.intervals import accuracy_intervals
from stages.evaluate.model import Tower

DRAWS = 5
"""Draws of the images of a few-shot figure; one draw of few images says little."""


def probe_set(images: LabelledImages, tower: Tower) -> dict[str, Any]:
    """Give the figures of the probes that the config asks for; the vectors are stored already."""
    config = tower.config
    if config.linear_probe is None and not config.shots:
        return {}
    parts = image_features(images.files, tower.clip, tower.precision, store=tower.images)
    features = np.concatenate([part.vectors.cpu().numpy() for part in parts])
    found: dict[str, Any] = {}
    if config.linear_probe is not None:
        found["linear_probe"] = _probe(images, features, config.linear_probe)
    if config.shots:
        found["few_shot"] = {str(k): _few_shot(images, features, k) for k in config.shots}
    return found


def _probe(images: LabelledImages, features: NDArray[np.float32], share: float) -> dict[str, Any]:
    split = draw_split(images.paths, images.labels, share, 0)
    right, penalty = _test(images, features, split)
    return {
        "share": share,
        "fit": len(split.fit),
        "test": len(split.test),
        "top1": float(right.mean()),
        "top1_interval": accuracy_intervals(np.where(right, 1, 2), (1,))[0],
        "penalty": penalty,
    }


def _few_shot(images: LabelledImages, features: NDArray[np.float32], shots: int) -> dict[str, Any]:
    splits = [draw_split(images.paths, images.labels, shots, draw) for draw in range(DRAWS)]
    shares = [float(_test(images, features, split)[0].mean()) for split in splits]
    return {
        "fit": len(splits[0].fit),
        "test": len(splits[0].test),
        "top1": sum(shares) / DRAWS,
        "top1_of_draws": shares,
        "classes_with_fewer": _count_smaller(images.labels, shots + 1),
    }


def _test(
    images: LabelledImages, features: NDArray[np.float32], split: Split
) -> tuple[NDArray[np.bool_], float | None]:
    """Tell which test images are classified rightly, and the penalty; without a fit, none is."""
    if not len(split.fit):
        return np.zeros(len(split.test), bool), None
    probe = fit_probe(features[split.fit], images.labels[split.fit], len(images.classes))
    return probe.predict(features[split.test]) == images.labels[split.test], probe.penalty


def _count_smaller(labels: NDArray[np.int64], least: int) -> int:
    """Count the classes that have images, but fewer than ``least``."""
    counts: Sequence[int] = np.unique(labels, return_counts=True)[1].tolist()
    return sum(count < least for count in counts)
