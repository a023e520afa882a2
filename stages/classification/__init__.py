"""Builds SkyScript-classification from a run: labelled images that training must not use."""

from stages.classification.config import ClassificationConfig
from stages.classification.job import Built, build_classification

__all__ = ["Built", "ClassificationConfig", "build_classification"]
