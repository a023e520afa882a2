"""On the simulated island, negatives are false by the pixels that the painter draws."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from PIL import Image as Picture

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.run import Run
from pipeline.runner import run
from stages import PIPELINE
from tests.stages.statements.object_map import ObjectMap, is_false, true_claim
from tests.stages.truth.independent import Map

KINDS = ("not_present", "not_count", "not_direction", "not_relation", "not_attribute")
OPTIONS = [
    "sample.max_objects=60",
    "density.cell=0.005",
    "runner.executor=serial",
    f"statements.kinds=[{','.join(KINDS)}]",
    "statements.per_kind=6",
]
UP_TO_STATEMENTS = PIPELINE[: [stage.name for stage in PIPELINE].index("statements") + 1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Give each negative with its verdict by the pixels, and that of the sentence it twists."""
    root = tmp_path_factory.mktemp("town")
    run(UP_TO_STATEMENTS, load_config(TOY, PIPELINE, OPTIONS), root, lambda event: None)
    town, by_image, found = Run(root), defaultdict(list), []
    world = Map(town.table("objects").to_table())
    for row in town.table("statements").to_table().to_pylist():
        by_image[row["object_id"]].append(row)
    images = {row["object_id"]: row for row in town.table("images").to_table().to_pylist()}
    for meta in town.table("meta").to_table().to_pylist():
        image = images[meta["object_id"]]
        with Picture.open(root / image["filepath"]) as picture:
            objects = ObjectMap(world, meta, image, np.asarray(picture.convert("RGB")))
        for row in by_image[meta["object_id"]]:
            claim = true_claim(row)
            true = claim and is_false(row | {"claim": claim}, objects)
            found.append((row, is_false(row, objects), true))
    return found


def test_every_negative_is_false_by_the_pixels(judged):
    assert [row["claim"] for row, verdict, _ in judged if verdict not in (True, None)] == []
    told = Counter(row["kind"] for row, verdict, _ in judged if verdict is not None)
    assert told.keys() == set(KINDS)
    assert sum(told.values()) > 0.95 * len(judged)


def test_the_pixels_do_not_call_everything_false(judged):
    """The true sentences of the same negatives are true by the pixels, of all but a few."""
    right = defaultdict(list)
    for row, _, verdict in judged:
        if verdict is not None:
            right[row["kind"]].append(verdict is False)
    assert right.keys() == {"not_count", "not_direction", "not_relation"}
    assert all(np.mean(found) > 0.8 for found in right.values()), {
        kind: np.mean(found) for kind, found in right.items()
    }
