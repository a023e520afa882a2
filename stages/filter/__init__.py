"""Filters pairs by score, after it sets pairs aside for validation and test.

DuckDB processes whole captions files out of core: five million rows need less than two gigabytes.
"""

from stages.filter.config import FilterConfig
from stages.filter.job import Filtered, filter_csv
from stages.filter.stage import FILTER

__all__ = ["FILTER", "FilterConfig", "Filtered", "filter_csv"]
