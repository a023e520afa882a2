"""Writes the report of a run, the page ``report/index.html``.

The page needs only the images of the run: no script, no font and no server. The same run gives the
same bytes.
"""

from stages.report.config import ReportConfig
from stages.report.stage import REPORT, report

__all__ = ["REPORT", "ReportConfig", "report"]
