"""Evaluates a model on benchmarks, exactly by the published protocol."""

from stages.evaluate.config import EvaluateConfig
from stages.evaluate.job import evaluate
from stages.evaluate.table import format_tables, read_results

__all__ = ["EvaluateConfig", "evaluate", "format_tables", "read_results"]
