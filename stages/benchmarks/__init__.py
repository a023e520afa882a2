"""Benchmarks in the published layout: which are there, what is in them, zero-shot accuracy."""

from stages.benchmarks.classify import ZeroShot, accuracy, zero_shot
from stages.benchmarks.features import Precision
from stages.benchmarks.files import Captioned, Labelled, check, present
from stages.benchmarks.layout import RETRIEVAL, SCENES, SEVEN, Benchmark, chosen, is_there

__all__ = [
    "RETRIEVAL",
    "SCENES",
    "SEVEN",
    "Benchmark",
    "Captioned",
    "Labelled",
    "Precision",
    "ZeroShot",
    "accuracy",
    "check",
    "chosen",
    "is_there",
    "present",
    "zero_shot",
]
