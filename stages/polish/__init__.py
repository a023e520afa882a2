"""Polished captions: natural language by a language model, checked against the tags."""

from stages.polish.config import PolishConfig
from stages.polish.job import Polished, polish

__all__ = ["PolishConfig", "Polished", "polish"]
