"""Benchmarks in the published layout: finds and reads them, measures zero-shot accuracy."""

from skyscript.benchmarks.classify import ZeroShot, accuracy, zero_shot
from skyscript.benchmarks.files import CaptionedImages, LabelledImages, check, find_present
from skyscript.benchmarks.layout import (
    RETRIEVAL,
    SCENES,
    SEVEN,
    Benchmark,
    choose_benchmarks,
    exists,
)

__all__ = [
    "RETRIEVAL",
    "SCENES",
    "SEVEN",
    "Benchmark",
    "CaptionedImages",
    "LabelledImages",
    "ZeroShot",
    "accuracy",
    "check",
    "choose_benchmarks",
    "exists",
    "find_present",
    "zero_shot",
]
