"""What a shard costs beside its own work: Ray with four local workers against the pool.

Run: pytest -m bench -s tests/bench/bench_executors.py.
"""

import os
import time
from pathlib import Path

import pytest

from pipeline.events import Event, StageFinished
from pipeline.executors import Executor, ProcessExecutor, RayExecutor
from pipeline.runner import run
from tests.pipeline.recipe import RECIPE
from tests.pipeline.world import World

pytestmark = pytest.mark.bench
pytest.importorskip("ray", reason="needs the extra ray")

WORKERS, TASKS, SHARDS, ROUNDS = 4, 2000, 300, 3


def seconds_of_tasks(executor: Executor) -> float:
    """Give the wall time of tasks that do nothing; the workers have started."""
    list(executor.map(abs, range(8 * WORKERS)))
    started = time.perf_counter()
    assert sum(executor.map(abs, range(TASKS))) == TASKS * (TASKS - 1) // 2
    return time.perf_counter() - started


def test_seconds_of_a_task_that_does_nothing() -> None:
    ours, pool = [], []
    with RayExecutor(None, WORKERS) as ray, ProcessExecutor(WORKERS) as processes:
        for _ in range(ROUNDS):
            ours.append(seconds_of_tasks(ray))
            pool.append(seconds_of_tasks(processes))
    each = [min(times) / TASKS * 1000 for times in (ours, pool)]
    print(f"\na task: Ray {each[0]:.2f} ms, pool {each[1]:.2f} ms ({WORKERS} workers)")


@pytest.mark.parametrize("executor", ["processes", "ray"])
def test_seconds_of_a_small_shard(tmp_path: Path, executor: str) -> None:
    """A shard of one row, with its part, its receipt and a file: the machine's own work."""
    world = World(tmp_path / "run")
    seconds: list[float] = []

    def emit(event: Event) -> None:
        if isinstance(event, StageFinished) and event.stage == "square":
            seconds.append(event.seconds)

    for power in (2, 3, 4):  # the first one starts the workers
        runner = {"executor": executor, "workers": WORKERS}
        count = {"upto": SHARDS, "part_rows": 1}
        config = world.config(count=count, square={"power": power}, runner=runner)
        run(RECIPE, config, world.root, emit)
    each = ", ".join(f"{second / SHARDS * 1000:.1f}" for second in seconds)
    print(f"\n{executor}: {each} ms a shard, start of workers included; load {os.getloadavg()[0]}")
