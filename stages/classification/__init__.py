"""SkyScript-classification: a set of labelled images that training never sees, made from a run."""

from stages.classification.config import ClassificationConfig
from stages.classification.job import Built, build_classification

__all__ = ["Built", "ClassificationConfig", "build_classification"]
"""What `skyscript build-classification` offers."""
