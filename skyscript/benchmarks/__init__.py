"""Benchmarks in the published layout: which are there, what is in them, zero-shot accuracy."""

from skyscript.benchmarks.classify import ZeroShot, accuracy, zero_shot
from skyscript.benchmarks.files import Captioned, Labelled, check, present
from skyscript.benchmarks.layout import RETRIEVAL, SCENES, SEVEN, Benchmark, chosen, is_there

__all__ = [
    "RETRIEVAL",
    "SCENES",
    "SEVEN",
    "Benchmark",
    "Captioned",
    "Labelled",
    "ZeroShot",
    "accuracy",
    "check",
    "chosen",
    "is_there",
    "present",
    "zero_shot",
]
