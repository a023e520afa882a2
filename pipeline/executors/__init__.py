"""Executors run the shards of a stage: in this process, in worker processes, or on a Ray cluster.

All state is in storage, so they pass only tasks and small results.
"""

from __future__ import annotations

from pipeline.config import RunnerConfig
from pipeline.executors.processes import ProcessExecutor
from pipeline.executors.protocol import LOST, Executor
from pipeline.executors.ray_tasks import RayExecutor
from pipeline.executors.serial import SerialExecutor

__all__ = ["LOST", "Executor", "ProcessExecutor", "RayExecutor", "SerialExecutor", "make_executor"]


def make_executor(config: RunnerConfig) -> Executor:
    """Give the executor that a config names."""
    if config.executor == "serial":
        return SerialExecutor()
    if config.executor == "ray":
        given = "workers" in config.model_fields_set
        return RayExecutor(config.ray_address, config.workers if given else None)
    return ProcessExecutor(config.workers)
