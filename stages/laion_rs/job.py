"""What a finished job found. The stages of the job stand in `stages.LAION_RS_JOB`."""

from __future__ import annotations

import json
from pathlib import Path

from stages.laion_rs.kept import CSV, KEPT, REPORT


def finished(root: Path) -> bool:
    """Tell whether a job has come to its end, some of its images failed or not."""
    return (root / "tables" / KEPT.writes.name / "_manifest.json").is_file()


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
