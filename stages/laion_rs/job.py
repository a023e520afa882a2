"""The results of a finished job. `stages.LAION_RS_JOB` lists the stages of the job."""

from __future__ import annotations

import json
from pathlib import Path

from stages.laion_rs.kept import CSV, KEPT, REPORT


def is_finished(root: Path) -> bool:
    """Whether a job has finished. Some of its images may have failed."""
    return (root / "tables" / KEPT.writes.name / "_manifest.json").is_file()


def summarise(root: Path) -> list[str]:
    """Describe the results of a finished job in lines for the terminal."""
    report = json.loads((root / REPORT).read_bytes())
    figures, examples = report["cross_validated"], report["examples"]
    return [
        f"on {examples['remote_sensing']:,} and {examples['other']:,} examples, cross-validated: "
        f"AUC {figures['auc']:.4f}, average precision {figures['average_precision']:.4f}",
        f"threshold {figures['threshold']:.4f}: recall {figures['recall']:.3f}, "
        f"{figures['false_positives']} of {examples['other']:,} others pass, precision "
        f"{figures['precision']:.3f} if {figures['prevalence']:g} of all are remote sensing",
        f"{report['kept']:,} of {report['pairs']:,} pairs in {root / CSV}; its paths start at "
        f"{report['paths_start_at']}",
    ]
