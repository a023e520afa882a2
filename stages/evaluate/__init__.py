"""Evaluate: a model on benchmarks, exactly by the published protocol, and checked."""

from stages.evaluate.config import EvaluateConfig
from stages.evaluate.job import evaluate
from stages.evaluate.table import read_results, tables

__all__ = ["EvaluateConfig", "evaluate", "read_results", "tables"]
