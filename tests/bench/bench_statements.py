"""Statements a second of user time, on the made-up town seen at 0.6 and 1 m; images/s are printed.

Run: pytest -m bench -s tests/bench/bench_statements.py
"""

import resource

import pytest

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.run import Run
from pipeline.runner import run
from pipeline.stage import Shard
from stages import PIPELINE, tables
from stages.statements import StatementsConfig, statements
from stages.statements.kinds import KINDS

pytestmark = pytest.mark.bench

ROUNDS = 3
KINDS_OF_FIRST_VERSION = ("count", "direction", "cover", "relation", "region")


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Give the inputs of each shard of a run."""
    root = tmp_path_factory.mktemp("town")
    changes = ["sources.SIM.gsd=[0.6,1.0]", "sample.max_objects=500", "sample.shard_rows=250"]
    until = [stage.name for stage in PIPELINE]
    until = until[: until.index("overlay") + 1]
    run(PIPELINE, load_config(TOY, PIPELINE, changes), root, lambda event: None, only=until)
    objects = Run(root).datasets((tables.OBJECTS,))
    return [Run(root).parts((tables.META, tables.IMAGES), part) | objects for part in range(2)]


@pytest.mark.parametrize("kinds", [KINDS_OF_FIRST_VERSION, tuple(KINDS)], ids=["five", "all"])
def test_images_a_second(shards, kinds):
    config = StatementsConfig(kinds=kinds)
    images, seconds = sum(len(given["meta"]) for given in shards), []
    for _ in range(ROUNDS):
        start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        made = [statements(**given, config=config, shard=Shard(0, None)) for given in shards]
        seconds.append(resource.getrusage(resource.RUSAGE_SELF).ru_utime - start)
    rows = sum(map(len, made))
    print(f"\n{len(kinds)} kinds: {images / min(seconds):,.0f} images/s, {rows:,} statements")


def test_what_each_kind_adds(shards):
    """Print the user time that each kind takes beside one that needs no geometry, for 1,000 images.

    A kind shares work with others (`once`), so the sum is more than the time of all together.
    """
    images = sum(len(given["meta"]) for given in shards)

    def seconds(kinds):
        config, best = StatementsConfig(kinds=kinds), float("inf")
        for _ in range(ROUNDS):
            start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
            for given in shards:
                statements(**given, config=config, shard=Shard(0, None))
            best = min(best, resource.getrusage(resource.RUSAGE_SELF).ru_utime - start)
        return best * 1000 / images

    base = seconds(("gsd",))
    print(f"\nscenes and gsd: {base:.3f} s")
    for kind in KINDS:
        print(f"{kind:16} {seconds(('gsd', kind)) - base:.3f} s")
