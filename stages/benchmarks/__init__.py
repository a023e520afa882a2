"""Benchmarks in the published layout: which are there, what is in them, zero-shot accuracy."""

from stages.benchmarks.classify import ZeroShot, accuracy, zero_shot
from stages.benchmarks.files import Labelled, read_labelled
from stages.benchmarks.layout import (
    RETRIEVAL,
    SCENES,
    SEVEN,
    Benchmark,
    chosen,
    is_there,
    present,
)

__all__ = [
    "RETRIEVAL",
    "SCENES",
    "SEVEN",
    "Benchmark",
    "Labelled",
    "ZeroShot",
    "accuracy",
    "chosen",
    "is_there",
    "present",
    "read_labelled",
    "zero_shot",
]
