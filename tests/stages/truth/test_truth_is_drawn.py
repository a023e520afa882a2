"""On the simulated island, pixels agree with the truth: an independent look at each image."""

import numpy as np
import pytest

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.run import Run
from pipeline.runner import run
from skyscript import chance
from stages import PIPELINE
from tests.stages.truth.independent import Map

OPTIONS = ["sample.max_objects=40", "density.cell=0.005", "runner.executor=serial"]
UP_TO_TRUTH = PIPELINE[: [stage.name for stage in PIPELINE].index("truth") + 1]
DRAWN = 3
"""Concepts of each image that are drawn with and without their objects."""
COAST = {"coastline", "coastal landform", "natural feature"}
"""The painter draws the sea beside a coastline, not the line."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    root = tmp_path_factory.mktemp("town")
    run(UP_TO_TRUTH, load_config(TOY, PIPELINE, OPTIONS), root, lambda event: None)
    return Run(root)


@pytest.fixture(scope="module")
def seen(town):
    """Give the map, and each image with its concepts by verdict."""
    judged = {}
    for row in town.table("truth").to_table().to_pylist():
        verdicts = judged.setdefault(row["object_id"], {"yes": [], "no": [], "unknown": []})
        verdicts[row["verdict"]].append(row["concept"])
    images = {row["object_id"]: row for row in town.table("images").to_table().to_pylist()}
    return Map(town.table("objects").to_table()), [(images[one], judged[one]) for one in judged]


def test_all_verdicts_occur(seen):
    _, images = seen
    counts = {
        verdict: sum(len(of[verdict]) for _, of in images) for verdict in ("yes", "no", "unknown")
    }
    assert min(counts.values()) > len(images)


def test_no_object_of_an_absent_concept_touches_a_pixel(seen):
    world, images = seen
    wrong = [
        (image["object_id"], name)
        for image, of in images
        for name in of["no"]
        if world.pixels_of(image, name)
    ]
    assert wrong == []


def test_without_all_absent_concepts_an_image_looks_the_same(seen):
    world, images = seen
    for image, of in images:
        with_them, without = world.drawn_with_and_without(image, of["no"])
        assert np.array_equal(with_them, without), image["object_id"]


def test_without_a_present_concept_an_image_looks_different(seen):
    world, images = seen
    same = []
    for image, of in images:
        order = sorted(
            {*of["yes"]} - COAST, key=lambda name: chance.uniform(0, image["object_id"], name)
        )
        for name in order[:DRAWN]:
            with_it, without = world.drawn_with_and_without(image, [name])
            if (with_it != without).any(axis=2).sum() < 4:
                same.append((image["object_id"], name))
    assert same == []
