"""The job: examples, classifier, the web's pairs, what stays."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.stage import Stage
from stages.laion_rs.classifier import CLASSIFIER
from stages.laion_rs.examples import EXAMPLES
from stages.laion_rs.judge import JUDGE
from stages.laion_rs.kept import CSV, KEPT, REPORT
from stages.laion_rs.web import WEB

LAION_RS_JOB: tuple[Stage, ...] = (EXAMPLES, CLASSIFIER, WEB, JUDGE, KEPT)
"""Keep the remote-sensing pairs of the web."""


def summary(root: Path) -> list[str]:
    """Say what a finished job found, a line each."""
    report = json.loads((root / REPORT).read_bytes())
    figures, given = report["cross_validated"], report["examples"]
    return [
        f"on {given['remote_sensing']:,} and {given['other']:,} examples, cross-validated: AUC "
        f"{figures['auc']:.4f}, average precision {figures['average_precision']:.4f}",
        f"threshold {figures['threshold']:.4f}: recall {figures['recall']:.3f}, "
        f"{figures['false_positives']} of {given['other']:,} others pass, precision "
        f"{figures['precision']:.3f} where {figures['prevalence']:g} of all are remote sensing",
        f"{report['kept']:,} of {report['pairs']:,} pairs in {root / CSV}; its paths start at "
        f"{report['paths_start_at']}",
    ]
