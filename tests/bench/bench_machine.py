"""What the machine itself costs: planning, receipts, look-ups and resume, with tiny stages.

The stages do next to nothing, so the time is the machine's. Run:
pytest -m bench -s tests/bench/bench_machine.py
"""

import functools
import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipeline.atomic import content_id
from pipeline.cli.run import TOY
from pipeline.config import load_config, parse_config
from pipeline.manifest import fingerprint_of, recipe_of
from pipeline.part_ranges import parts_meeting
from pipeline.receipts import Receipt
from pipeline.run import Run
from pipeline.runner import run
from pipeline.schema import Table
from pipeline.stage import DatasetStage, ShardStage, StageConfig
from stages import PIPELINE
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.bench

ROWS = 256
"""Rows a shard, as `sample.shard_rows` has them."""
FEW, MANY = 2_000, 20_000
OBJECTS = 973
"""Parts of the table that is looked up."""
GROUND = Table("ground", pa.schema([pa.field("at", pa.int64(), nullable=False)]), "at", ("at",))
ITEMS = Table("items", pa.schema([pa.field("at", pa.int64(), nullable=False)]), "at")
NEAR = Table("near", ITEMS.schema, "at")
COPY = Table("copy", ITEMS.schema, "at")


class BenchConfig(StageConfig):
    shards: int = FEW


def ground(*, config, root):
    for start in range(0, FEW * ROWS, FEW * ROWS // OBJECTS):
        yield pa.table({"at": range(start, start + FEW * ROWS // OBJECTS)}, schema=GROUND.schema)


def items(*, config, root):
    for shard in range(config.shards):
        start = shard * ROWS
        yield pa.table({"at": np.arange(start, start + ROWS)}, schema=ITEMS.schema)


def near(items, ground, *, config, shard):
    first = np.array([items["at"][0].as_py() % (FEW * ROWS)])
    parts = parts_meeting(ground, at_most={"at": first}, at_least={"at": first})
    assert first[0] in parts.to_table(use_threads=False)["at"].to_numpy()
    return items


def copy(near, *, config, shard):
    return near


RECIPE = (
    DatasetStage("ground", ground, BenchConfig, reads=(), writes=GROUND),
    DatasetStage("items", items, BenchConfig, reads=(), writes=ITEMS),
    ShardStage("near", near, BenchConfig, reads=(ITEMS,), looks_up=(GROUND,), writes=NEAR),
    ShardStage("copy", copy, BenchConfig, reads=(NEAR,), writes=COPY),
)


def user_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def bring_up_to_date(root, shards):
    blocks = {"runner": {"executor": "serial"}, "items": {"shards": shards}}
    config = parse_config(blocks, RECIPE, base=root, where="bench")
    started = user_seconds()
    run(RECIPE, config, root, lambda event: None)
    return user_seconds() - started


def test_the_machine_is_linear(tmp_path):
    """CPU seconds of a run, a shard and a stage of shards; and of a run that finds all done."""
    costs = {}
    for shards in (FEW, MANY):
        first = bring_up_to_date(tmp_path / str(shards), shards)
        again = bring_up_to_date(tmp_path / str(shards), shards)
        costs[shards] = (first / shards, again / shards)
        print(
            f"\n{shards:,} shards: {first / shards / 3 * 1e3:.2f} ms a shard and stage, "
            f"{first / shards / ROWS / 3 * 1e6:.1f} us a row and stage; when all is done "
            f"{again / shards / 3 * 1e3:.3f} ms a shard and stage"
        )
    for few, many in zip(*costs.values(), strict=True):
        assert many < 1.3 * few


LARGE = 48_828
"""Shards of 2,048 rows: 100 million rows."""


def pretend(folder, recipe, inputs):
    """Write empty parts with receipts that say they are done, and the manifest."""
    folder.begin(recipe)
    (folder.path / "_receipts").mkdir()
    output, fingerprint = content_id(b""), fingerprint_of(recipe)
    for shard in range(LARGE):
        folder.part(shard).touch()
        status = {"ok": 1_900 + shard % 100, "filtered": 148 - shard % 100}
        folder.write_receipt(
            Receipt(
                stage=recipe["stage"],
                shard=shard,
                fingerprint=fingerprint,
                inputs=inputs,
                output=output,
                size=0,
                rows=2_048,
                status=status,
                reasons={"not covered by any source": status["filtered"]},
                seconds=1.5,
                host="bench",
            )
        )
    folder.finish(recipe, inputs)


def test_the_driver_at_a_hundred_million_rows(tmp_path):
    """Memory and CPU seconds of a run that finds all shards of three tables done."""
    stages = (*RECIPE[1:2], replace(RECIPE[2], looks_up=()), RECIPE[3])
    config = parse_config({"runner": {"executor": "serial"}}, stages, base=tmp_path, where="bench")
    with Run(tmp_path).locked():
        for stage in stages:
            inputs = {table.name: content_id(b"") for table in stage.reads}
            recipe = recipe_of(stage, config.stages[stage.name])
            pretend(Run(tmp_path).folder(stage.writes), recipe, inputs)
    code = (
        "import resource; from pathlib import Path; from pipeline.runner import run; "
        "from pipeline.config import parse_config; from dataclasses import replace; "
        "from tests.bench.bench_machine import RECIPE; "
        "stages = (*RECIPE[1:2], replace(RECIPE[2], looks_up=()), RECIPE[3]); "
        f"root = Path({str(tmp_path)!r}); "
        "config = parse_config({'runner': {'executor': 'serial'}}, stages, base=root, where='b'); "
        "ran = []; run(stages, config, root, ran.append); "
        "assert all(getattr(e, 'ran', 0) == 0 for e in ran); "
        "used = resource.getrusage(resource.RUSAGE_SELF); "
        "print(used.ru_maxrss, used.ru_utime + used.ru_stime)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=REPOSITORY
    )
    peak, seconds = (float(number) for number in done.stdout.split())
    print(
        f"\n{LARGE:,} shards of 3 tables, {LARGE * 2_048:,} rows: {peak / 1e3:,.0f} MB at most, "
        f"{seconds:.1f} s"
    )
    assert peak < 500e3


def timed(stage, spent):
    """Give the stage; ``spent`` gets the seconds that its function takes."""

    @functools.wraps(stage.run)
    def shard(*arguments, **options):
        start = time.perf_counter()
        try:
            return stage.run(*arguments, **options)
        finally:
            spent.append(time.perf_counter() - start)

    @functools.wraps(stage.run)
    def dataset(*arguments, **options):
        parts, end = stage.run(*arguments, **options), object()
        while True:
            start = time.perf_counter()
            part = next(iter(parts), end)
            spent.append(time.perf_counter() - start)
            if part is end:
                return
            yield part

    return replace(stage, run=shard if isinstance(stage, ShardStage) else dataset)


def test_the_share_of_the_machine_in_the_demo(tmp_path):
    spent = []
    recipe = [timed(stage, spent) for stage in PIPELINE]
    config = load_config(TOY, recipe, ["runner.executor=serial"])
    start = time.perf_counter()
    run(recipe, config, tmp_path / "run", lambda event: None)
    wall = time.perf_counter() - start
    print(f"\nthe demo in one process: {wall:.1f} s, {1 - sum(spent) / wall:.1%} is the machine's")
