"""Writes the report of a run: a folder that a browser opens from disk, without a network.

``report/index.html`` has a gallery with search and filters, a map, and the figures of the run. It
needs only the images of the run. The same run gives the same bytes.
"""

from stages.report.config import ReportConfig
from stages.report.stage import REPORT, report

__all__ = ["REPORT", "ReportConfig", "report"]
