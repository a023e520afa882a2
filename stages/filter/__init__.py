"""Filter: which pairs stay, and what is set aside for validation and test.

Whole captions files are questions for DuckDB, out of core: five million rows cost about a gigabyte.
"""

from stages.filter.config import FilterConfig
from stages.filter.job import Filtered, filter_csv
from stages.filter.stage import FILTER

__all__ = ["FILTER", "FilterConfig", "Filtered", "filter_csv"]
