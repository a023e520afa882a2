"""The stage `sample`: which objects get a tile of their own."""

from stages.sample.config import SampleConfig
from stages.sample.stage import SAMPLE, sample

__all__ = ["SAMPLE", "SampleConfig", "sample"]
