"""Judged quality: the share of captions that are right, found by looking at a sample of images."""

from stages.judged.config import JudgedConfig
from stages.judged.job import Judged, judge, judge_by_person, write_sheet

__all__ = ["Judged", "JudgedConfig", "judge", "judge_by_person", "write_sheet"]
