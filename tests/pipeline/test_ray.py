"""Ray: the same results as other executors, also if workers, nodes or the driver die."""

import functools
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.atomic import TEMPORARY
from pipeline.errors import ConfigError, SkyScriptError, StorageError
from pipeline.executors import RayExecutor, ray_tasks
from pipeline.manifest import Receipt
from pipeline.run import Run
from pipeline.stage import GpuUse
from pipeline.state import Identity
from pipeline.work import Job, make_shard
from pipeline.worker_process import worker_number
from tests.conftest import content_of
from tests.pipeline.ray_workers import busy_workers
from tests.pipeline.recipe import SQUARE, SquareConfig
from tests.pipeline.test_executors import die_at, leave_a_file, process_of
from tests.pipeline.test_interrupts import running
from tests.pipeline.world import World

pytest.importorskip("ray", reason="needs the extra ray")

pytestmark = [
    pytest.mark.slow,
    # Of Ray's own modules.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class TwoNodes:
    """A Ray cluster of two nodes on this machine; the second one has two GPUs by name only."""

    def __init__(self) -> None:
        from ray import cluster_utils

        small = {"num_cpus": 2, "object_store_memory": 80 * 2**20}
        self.cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=small)
        self.second = self.cluster.add_node(**small, num_gpus=2)

    def busy_on_second(self) -> bool:
        """Tell whether the second node works on a task."""
        return bool(busy_workers(self.second.all_processes["raylet"][0].process.pid))

    def remove_second(self) -> None:
        """Kill the second node, without a warning to anybody."""
        self.cluster.remove_node(self.second, allow_graceful=False)

    @property
    def runner(self) -> dict[str, object]:
        """Give the block `runner` of a config that uses the cluster."""
        return {"executor": "ray", "ray_address": self.cluster.address}


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # Ray reads it only once in a process
        before = signal.getsignal(signal.SIGTERM)
        here = TwoNodes()
        signal.signal(signal.SIGTERM, before)  # Ray's is inherited by each process of later tests
        yield here
        here.cluster.shutdown()


@pytest.fixture(scope="class")
def executor(nodes: TwoNodes) -> Iterator[RayExecutor]:
    with RayExecutor(nodes.cluster.address, None) as ray:
        yield ray


def wait_for_files(folder: Path, glob: str, count: int) -> None:
    for _ in range(600):
        if len(list(folder.glob(glob))) >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"there are not {count} files {glob}")


def begin_and_end(folder: Path, number: int) -> int:
    (folder / f"begun-{number}").touch()
    time.sleep(1 if number else 0)
    (folder / f"ended-{number}").touch()
    return number


class TestOneConnection:
    """Tests in one job, whose workers stay."""

    def test_every_item_is_answered_by_many_processes_and_errors_are_raised(
        self, executor: RayExecutor, tmp_path: Path
    ) -> None:
        assert sorted(executor.map(abs, range(-50, 50))) == sorted(map(abs, range(-50, 50)))
        assert 2 <= len(set(executor.map(process_of, range(40))) - {os.getpid()}) <= 4
        with pytest.raises(FileNotFoundError):
            list(executor.map(os.stat, [tmp_path / "missing"]))

    def test_a_worker_that_dies_costs_its_item_only_and_an_item_that_kills_three_is_given_up(
        self, executor: RayExecutor, tmp_path: Path
    ) -> None:
        task = functools.partial(die_at, tmp_path, times=2)
        assert sorted(executor.map(task, range(6))) == list(range(6))
        assert len(list(tmp_path.iterdir())) == 2
        task = functools.partial(die_at, tmp_path, times=99)
        found = executor.map(task, range(6), on_lost=lambda number: -number)
        assert sorted(found) == [-3, 0, 1, 2, 4, 5]
        assert len(list(tmp_path.iterdir())) == 5
        with pytest.raises(SkyScriptError, match="3: its worker process died 3 times"):
            list(executor.map(task, [3]))

    def test_after_an_error_what_runs_is_finished_and_what_waits_is_dropped(
        self, executor: RayExecutor, tmp_path: Path
    ) -> None:
        list(executor.map(process_of, range(40)))  # all workers have started
        with pytest.raises(ZeroDivisionError):
            for _ in executor.map(functools.partial(begin_and_end, tmp_path), range(20)):
                wait_for_files(tmp_path, "begun-*", 3)
                raise ZeroDivisionError
        begun, ended = (len(list(tmp_path.glob(f"{name}-*"))) for name in ("begun", "ended"))
        assert 3 <= begun == ended <= 6

    def test_a_stage_with_gpus_gets_each_for_itself(self, executor: RayExecutor) -> None:
        assert set(executor.map(gpu_of, range(6), GpuUse(False, 0))) == {(0, False), (1, False)}

    def test_nodes_with_other_versions_are_named(
        self, executor: RayExecutor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        versions = ray_tasks._versions() | {"numpy": "1.0"}
        monkeypatch.setattr(ray_tasks, "_versions", lambda: versions)
        with pytest.raises(ConfigError, match=r"node \S+ has numpy \S+ instead of 1.0: inst"):
            list(executor.map(abs, [1]))


def test_workers_limit_the_items_at_once(nodes: TwoNodes, tmp_path: Path) -> None:
    with RayExecutor(nodes.cluster.address, 1) as one:
        for done, _ in enumerate(one.map(leave_a_file, [tmp_path / str(n) for n in range(8)]), 1):
            assert done <= len(list(tmp_path.iterdir())) <= done + 1


def gpu_of(_: int) -> tuple[int | None, bool]:
    time.sleep(0.2)
    return worker_number(), "CUDA_VISIBLE_DEVICES" in os.environ


def test_a_cluster_that_is_not_there_and_a_missing_extra_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigError, match=r"no Ray cluster can be used at no port: "):
        RayExecutor("no port", None)
    with pytest.raises(ConfigError, match=r"at 127.0.0.1:9: .*refused"):
        RayExecutor("127.0.0.1:9", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"needs the extra `ray`: pip install 'skyscript\[ray\]'"):
        RayExecutor(None, None)


def test_a_worker_that_does_not_see_the_run_folder_stops_the_run(tmp_path: Path) -> None:
    job = Job(SQUARE, SquareConfig(), Run(tmp_path / "elsewhere"), 0, Identity("", {}))
    found = make_shard(job)
    assert not isinstance(found, Receipt)
    assert isinstance(found.error, StorageError)
    assert "does not see this run folder" in found.message
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the content of a run in this process."""
    world = World(tmp_path_factory.mktemp("serial") / "run")
    world.run(count={"upto": 60})
    return content_of(world.root)


def test_a_run_on_a_cluster_equals_a_run_in_this_process(
    nodes: TwoNodes, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world = World(Path("run"))  # relative to the driver's folder, not to the workers'
    world.run(count={"upto": 60}, runner=nodes.runner)
    assert content_of(world.root) == expected
    world.run(count={"upto": 60}, runner=nodes.runner)
    assert world.ran() == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_driver_that_ends_is_run_again(
    nodes: TwoNodes, tmp_path: Path, signum: signal.Signals
) -> None:
    with running(tmp_path, 0.4, **nodes.runner) as process:
        process.send_signal(signum)
        _, said = process.communicate(timeout=60)
    if signum == signal.SIGTERM:
        assert process.returncode == 128 + signum
        assert "stopping: waits for the parts" in said
        assert len(list((tmp_path / "run/tables/squares/_receipts").glob("*.json"))) >= 1
    worlds = [World(tmp_path / name) for name in ("run", "undisturbed")]
    for world in worlds:
        world.run()
    assert content_of(worlds[0].root) == content_of(worlds[1].root)


def test_a_node_removed_midway_costs_its_shards_only(
    nodes: TwoNodes, expected: dict[str, bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path / "run")
    receipts = world.root / "tables/squares/_receipts"
    first_of_parts = [world.root / f"files/{number**2}.txt" for number in range(0, 60, 3)]

    def count_begun() -> int:
        return sum(path.exists() for path in first_of_parts)

    def remove_second() -> None:
        wait_for_files(receipts, "*.json", 3)
        begun = count_begun()
        # All parts take three seconds: none is about to end when one has its first file.
        while count_begun() == begun or not nodes.busy_on_second():
            time.sleep(0.01)
        nodes.remove_second()

    with ThreadPoolExecutor(1) as thread:
        removed = thread.submit(remove_second)
        world.run(count={"upto": 60}, square={"pause": 1.0}, runner=nodes.runner)
        removed.result()
    assert sorted(shard for stage, shard in world.ran() if stage == "square") == list(range(20))
    assert 1 <= caplog.text.count("a Ray worker was lost") <= 2
    # A file that the killed worker was writing is removed by the next run.
    unfinished = f"files/{TEMPORARY}"
    found = content_of(world.root).items()
    assert {name: data for name, data in found if not name.startswith(unfinished)} == expected
