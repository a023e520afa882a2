"""Runs tasks on a Ray cluster: plain remote tasks, and only as many as the cluster has CPUs.

Nothing but tasks and small results passes through Ray, and all state is in the run folder, which
every node must see under the same path. So a lost worker or node costs the shards that it makes,
and a driver that dies is run again.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import platform
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pipeline.errors import ConfigError, SkyScriptError
from pipeline.executors.protocol import Executor, Item, Result, Waiting, answer, raise_lost
from pipeline.stage import GpuUse
from pipeline.worker_process import become_worker

log = logging.getLogger(__name__)

_OBJECT_STORE = 100 * 2**20
"""Bytes of shared memory for results, of a Ray that a run starts: results are small."""
_SAME_VERSIONS = ("skyscript", "pyarrow", "numpy")
"""Packages that decide the bytes of a part."""
_SECONDS_TO_CONNECT = 10.0
_GPUS = "CUDA_VISIBLE_DEVICES"


class RayExecutor(Executor):
    """Runs tasks on the Ray cluster at an address; without one, on a Ray started on this machine.

    ``workers`` limits the items that run at once. By default, it is the CPUs of the cluster.
    """

    def __init__(self, address: str | None, workers: int | None) -> None:
        try:
            import ray
        except ImportError:
            raise ConfigError(
                "runner.executor: ray needs the extra `ray`: pip install 'skyscript[ray]'"
            ) from None
        self._ray, self._workers, self._is_local = ray, workers, address is None
        with _unchanged_sigterm():
            _connect(ray, address, workers)

    def map(
        self,
        task: Callable[[Item], Result],
        items: Iterable[Item],
        gpus: GpuUse | None = None,
        on_lost: Callable[[Item], Result] = raise_lost,
    ) -> Iterator[Result]:
        """Yield the result of each item when it is ready; an item with a GPU has it for itself."""
        # Without retries of Ray's own, which repeat a task forever if memory runs out; and a
        # worker keeps its process, and so its model, from one item to the next.
        settings = {"num_cpus": 1, "num_gpus": self._gpus_for_each(gpus)}
        remote = self._ray.remote(max_retries=0, max_calls=0, **settings)(_run_in_worker)
        versions = _versions()
        waiting = Waiting(items)
        running: dict[Any, tuple[int, Item]] = {}
        try:
            while waiting or running:
                for _ in range(min(len(waiting), self._window() - len(running))):
                    number, item = waiting.take()
                    running[remote.remote(versions, task, item)] = number, item
                for ready in self._ray.wait(list(running))[0]:
                    number, item = running.pop(ready)
                    found = self._receive(ready)
                    if found is None:
                        if waiting.put_back(number, item):
                            continue
                        found = True, on_lost(item)
                    yield _result_of(*found)
        finally:  # after an error: what was handed to Ray is finished, what waits here is dropped
            # Never `ray.cancel`: where a task ends at that moment, Ray aborts the whole driver
            # ("Tried to complete task that was not pending"; seen with Ray 2.60).
            if running:
                self._ray.wait(list(running), num_returns=len(running))

    def _gpus_for_each(self, gpus: GpuUse | None) -> int:
        if gpus is None:
            return 0
        exist = self._ray.cluster_resources().get("GPU", 0) > 0
        if gpus.required and not exist and self._is_local:
            raise ConfigError("the config asks for a GPU, but Ray finds none on this machine")
        return int(exist or gpus.required)

    def _window(self) -> int:
        """Give how many items may run at once; a cluster may grow or lose nodes."""
        return self._workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _receive(self, task: Any) -> tuple[bool, Any] | None:  # noqa: ANN401 - Ray's reference
        """Give whether a task had a result, and the result or its error; None if it was lost."""
        errors = self._ray.exceptions
        lost = (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
        )
        try:
            reply: tuple[bool, Any] = self._ray.get(task)
        except lost as error:
            log.warning("a Ray worker was lost (%s); its work is done again", type(error).__name__)
            return None
        except errors.RayError as error:
            last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise SkyScriptError(
                f"a Ray worker cannot run SkyScript ({last}): install the same version on every "
                "node"
            ) from error
        return reply

    def __exit__(self, *_: object) -> None:
        """Leave the cluster, or end the Ray of this machine."""
        self._ray.shutdown()


def _connect(ray: Any, address: str | None, workers: int | None) -> None:  # noqa: ANN401 - a module
    """Join the cluster at an address, or start a Ray on this machine."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    if address is not None:
        try:
            _check_reachable(address)
            ray.init(address=address, configure_logging=False)
        except (OSError, ValueError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ConfigError(
                f"runner.ray_address: no Ray cluster can be used at {address}: {reason}"
            ) from None
        return
    # A run reports nothing to others.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        address="local",
        num_cpus=workers,
        object_store_memory=_OBJECT_STORE,
        include_dashboard=False,
        configure_logging=False,
    )


def _check_reachable(address: str) -> None:
    """Raise `OSError` if nothing answers at HOST:PORT: Ray itself tries for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), _SECONDS_TO_CONNECT).close()


def _result_of(is_result: bool, result: Any) -> Any:  # noqa: ANN401 - of any task
    if not is_result:
        raise result
    return result


@contextlib.contextmanager
def _unchanged_sigterm() -> Iterator[None]:
    """Keep the handler of SIGTERM, which Ray replaces when it connects."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _SAME_VERSIONS}


def _run_in_worker(
    versions: Mapping[str, str], task: Callable[[Item], object], item: Item
) -> tuple[bool, Any]:
    """Run a task in a worker of Ray; give whether it had a result, and the result or the error."""
    # Ctrl-C reaches the workers of a Ray on this machine, too; a task that has begun is finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    different = [
        f"{name} {found} instead of {versions[name]}"
        for name, found in _versions().items()
        if found != versions[name]
    ]
    if different:
        return False, ConfigError(
            f"the Ray node {platform.node()} has {', '.join(different)}: install the same "
            "versions on every node, because they decide the bytes of a part"
        )
    become_worker(_gpu_of_this_task())
    return answer(task, item)


def _gpu_of_this_task() -> int:
    """Give the number of the GPU that Ray assigned to this task; 0 if there is none.

    A worker process keeps its model from task to task, but may get another GPU. Ray's variable
    shows it only the first one, so the variable is removed and the GPU's own number is used.
    """
    import ray

    numbers = [str(number) for number in ray.get_gpu_ids()]
    if not numbers or not numbers[0].isdigit():  # a part of a GPU has a name, no number
        return 0
    os.environ.pop(_GPUS, None)
    return int(numbers[0])
