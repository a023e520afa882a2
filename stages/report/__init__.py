"""Report: one page that shows what a run made, ``report/index.html``.

The page needs nothing but itself and the images: no script, no font, no server. The same run gives
the same bytes.
"""

from stages.report.config import ReportConfig
from stages.report.stage import REPORT, report

__all__ = ["REPORT", "ReportConfig", "report"]
