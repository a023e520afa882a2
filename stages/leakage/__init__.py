"""Leakage: which images of a benchmark, or of the pairs set aside, training would have seen."""

from stages.leakage.config import LeakageConfig
from stages.leakage.job import leakage
from stages.leakage.outputs import Leaks
from stages.leakage.pictures import Benchmark

__all__ = ["Benchmark", "LeakageConfig", "Leaks", "leakage"]
