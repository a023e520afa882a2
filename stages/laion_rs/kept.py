"""The stage `kept`: a captions file of the remote-sensing pairs, for training, and a report.

Images from shards are written to files, which are named by their content. Images in a folder remain
there.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.atomic import write_bytes, write_file, write_json
from pipeline.schema import STATUS_OK
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from skyscript.clip.pairs import PairSource, Tars
from skyscript.clip.vectors.copies import Sameness
from skyscript.clip.vectors.decoding import Read
from skyscript.files.pairs_csv import csv_writer
from stages.laion_rs import tables
from stages.laion_rs.classifier import (
    ThresholdQuality,
    TrainedClassifier,
    choose_threshold,
    rate_threshold,
    read_classifier,
)
from stages.laion_rs.repeats import find_repeats
from stages.tables import PAIRS, files_written, owned_files

log = logging.getLogger(__name__)

CSV = "laion_rs.csv"
REJECTED = "laion_rs.rejected.csv"
REPORT = "laion_rs_report.json"
IMAGES = "images"
BELOW = "the classifier says no"


class KeptConfig(PairSource):
    """The threshold, or how to choose it."""

    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Keep images with at least this probability. By default, `precision` decides.",
    )
    precision: float = Field(
        0.95,
        gt=0,
        lt=1,
        description="Without a threshold, use the lowest one that reaches this precision on "
        "examples that the classifier has not seen.",
    )
    prevalence: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="Compute `precision` for this share of remote-sensing images in the input. "
        "It is 0.0003 in the whole of LAION.",
    )
    max_per_image: int | None = Field(
        1,
        ge=1,
        description="Remove a pair if this many pairs with a higher probability show nearly the "
        "same image, as `near` and `alike` define it. With null, all captions of an image stay.",
    )
    near: int = Field(
        3,
        ge=0,
        le=3,
        description="Treat images as the same if their hashes differ in at most this many of 64 "
        "bits, as those of a compressed or resized copy do.",
    )
    alike: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Also treat images as the same if the cosine of their CLIP vectors is at least "
        "this, such as 0.97. In a large set, a few similar images are not found.",
    )

    def sameness(self) -> Sameness | None:
        """Return when images are the same; None if all captions of an image stay."""
        if self.max_per_image is None:
            return None
        return Sameness(self.max_per_image, self.near, self.alike)


class Row(NamedTuple):
    """A pair with the result of `judge`."""

    number: int
    """The row of the table."""
    filepath: str
    title: str | None
    probability: float | None
    content_hash: str | None
    status: str
    reason: str | None


def write_kept(
    pairs: ds.Dataset,
    judged: ds.Dataset,
    classifier: ds.Dataset,
    *,
    config: KeptConfig,
    root: Place,
) -> Iterator[pa.Table]:
    """Write ``laion_rs.csv`` (filepath, title, score), and its report ``laion_rs_report.json``.

    ``laion_rs.rejected.csv`` lists the pairs that could not be judged, with the reason. A repeated
    pair is written once, and of pairs with nearly the same image only the best.
    """
    trained = read_classifier(classifier)
    line = (
        choose_threshold(trained, config.precision, config.prevalence)
        if config.threshold is None
        else rate_threshold(trained, config.threshold, config.prevalence)
    )
    if config.threshold is None and line.precision < config.precision:
        log.warning(
            "no threshold reaches a precision of %.3f: the best threshold reaches %.3f; use more "
            "examples, or another model",
            config.precision,
            line.precision,
        )
    repeats = find_repeats(pairs, judged, line.threshold, config.sameness(), root)

    def decide(row: Row) -> str | None:
        is_below = (row.probability or 0.0) < line.threshold
        return row.reason or (BELOW if is_below else repeats.reason(row.number))

    counts: Counter[str] = Counter()
    written: set[str] = set()
    write_file(
        root / REJECTED,
        lambda reject: write_file(
            root / CSV,
            lambda file: _write(
                _read_parts(pairs, judged), config, decide, root, (file, reject), counts, written
            ),
        ),
    )
    write_json(root / REPORT, _make_report(trained, line, config, counts))
    judged_rows = sum(counts.values())
    rows = {CSV: counts[STATUS_OK], REJECTED: judged_rows, REPORT: judged_rows}
    yield files_written(root, {**rows, **dict.fromkeys(sorted(written), 1)})


def _write(
    parts: Iterator[Iterator[Row]],
    config: KeptConfig,
    decide: Callable[[Row], str | None],
    root: Place,
    files: tuple[Path, Path],
    counts: Counter[str],
    written: set[str],
) -> None:
    source = config.source()
    with ExitStack() as stack:
        keep = stack.enter_context(csv_writer(files[0], ("filepath", "title", "score")))
        reject = stack.enter_context(csv_writer(files[1], ("filepath", "reason")))
        for index, rows in enumerate(parts):
            chosen = []
            for row in rows:
                reason = decide(row)
                counts[reason or STATUS_OK] += 1
                if row.status != STATUS_OK:
                    reject([row.filepath, row.reason])
                elif reason is None:
                    chosen.append(row)
            paths = [row.filepath for row in chosen]
            if isinstance(source, Tars) and chosen:
                with source.reading(index, paths) as read:
                    paths = _write_images(read, chosen, root)
                written.update(paths)
            for path, row in zip(paths, chosen, strict=True):
                keep([path, row.title, f"{row.probability:.6f}"])


def _read_parts(pairs: ds.Dataset, judged: ds.Dataset) -> Iterator[Iterator[Row]]:
    result_columns = ["probability", "content_hash", "status", "reason"]
    for pair, result in zip(pairs.get_fragments(), judged.get_fragments(), strict=True):
        columns = pair.to_table(columns=["row", "filepath", "title"]).columns
        columns += result.to_table(columns=result_columns).columns
        yield (Row(*values) for values in zip(*(c.to_pylist() for c in columns), strict=True))


def _write_images(read: Read, rows: list[Row], root: Place) -> list[str]:
    """Write the images of a tar's rows to files in the root. Returns their paths."""
    paths = []
    for row in rows:
        name = f"{row.content_hash}{Path(row.filepath).suffix.lower()}"
        path = f"{IMAGES}/{name[:2]}/{name}"
        if not (root / path).exists():
            write_bytes(root / path, read(row.filepath))
        paths.append(path)
    return paths


def _make_report(
    trained: TrainedClassifier, line: ThresholdQuality, config: KeptConfig, counts: Counter[str]
) -> dict[str, Any]:
    return {
        "examples": {"remote_sensing": len(trained.remote_sensing), "other": len(trained.other)},
        "cross_validated": {
            "auc": trained.auc,
            "average_precision": trained.average_precision,
            **line._asdict(),
            "prevalence": config.prevalence,
        },
        "pairs": sum(counts.values()),
        "kept": counts.pop(STATUS_OK, 0),
        "not_kept": dict(counts.most_common()),
        "paths_start_at": "this folder" if config.captions is None else "the folder of the images",
    }


KEPT = DatasetStage(
    "kept",
    write_kept,
    KeptConfig,
    reads=(PAIRS, tables.JUDGED, tables.CLASSIFIER),
    writes=tables.LAION_RS,
    version=2,
    owns=owned_files("laion_rs*", f"{IMAGES}/*/*"),
)


def is_finished(root: Place) -> bool:
    """Whether a job has finished. Some of its images may have failed."""
    return (root / "tables" / KEPT.writes.name / "_manifest.json").is_file()


def summarise(root: Place) -> list[str]:
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
