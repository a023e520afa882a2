"""Align: finds the shift on which the images of a scene agree, and corrects it if asked."""

from stages.align.config import AlignConfig
from stages.align.stage import ALIGN

__all__ = ["ALIGN", "AlignConfig"]
