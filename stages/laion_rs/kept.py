"""The pairs that stay: a captions file that trains, and a report of what the classifier is worth.

Images that came in shards are written out, named by their content; those of a folder stay there.
"""

from __future__ import annotations

import csv
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.atomic import content_id, write_bytes, write_file, write_json
from pipeline.schema import STATUS_OK
from pipeline.stage import DatasetStage
from skyscript.files.shards import TarImages
from stages.laion_rs import tables
from stages.laion_rs.classifier import Trained, Worth, lowest_threshold, trained, worth
from stages.laion_rs.web import Source
from stages.tables import PAIRS, files_written, owned_files

log = logging.getLogger(__name__)

CSV = "laion_rs.csv"
REJECTED = "laion_rs.rejected.csv"
REPORT = "laion_rs_report.json"
IMAGES = "images"
BELOW = "the classifier says no"
SAME_PAIR = "the same image with the same caption is there already"


class KeptConfig(Source):
    """Where the line is drawn."""

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
        description="Assume this share of remote-sensing images among the images to judge, to "
        "compute that precision. It is 0.0003 in the whole of LAION.",
    )


class Row(NamedTuple):
    """A pair and what was found of it."""

    filepath: str
    title: str | None
    probability: float | None
    content_hash: str | None
    status: str
    reason: str | None


def kept(
    pairs: ds.Dataset, judged: ds.Dataset, classifier: ds.Dataset, *, config: KeptConfig, root: Path
) -> Iterator[pa.Table]:
    """Write ``laion_rs.csv`` (filepath, title, score), and in ``laion_rs_report.json`` what it is.

    Pairs that could not be judged are named, with the reason, in ``laion_rs.rejected.csv``. A pair
    that is there twice stays once.
    """
    of = trained(classifier)
    line = (
        lowest_threshold(of, config.precision, config.prevalence)
        if config.threshold is None
        else worth(of, config.threshold, config.prevalence)
    )
    if config.threshold is None and line.precision < config.precision:
        log.warning(
            "no threshold reaches a precision of %.3f: the best there is has %.3f; more examples, "
            "or another model, may",
            config.precision,
            line.precision,
        )
    counts: Counter[str] = Counter()
    written: set[str] = set()
    write_file(
        root / REJECTED,
        lambda reject: write_file(
            root / CSV,
            lambda file: _write(pairs, judged, config, line, root, (file, reject), counts, written),
        ),
    )
    write_json(root / REPORT, _report(of, line, config, counts))
    judged_rows = sum(counts.values())
    rows = {CSV: counts[STATUS_OK], REJECTED: judged_rows, REPORT: judged_rows}
    yield files_written(root, {**rows, **dict.fromkeys(sorted(written), 1)})


def _write(
    pairs: ds.Dataset,
    judged: ds.Dataset,
    config: KeptConfig,
    line: Worth,
    root: Path,
    files: tuple[Path, Path],
    counts: Counter[str],
    written: set[str],
) -> None:
    tars = config.tars()
    seen: set[str] = set()
    with ExitStack() as stack:
        sinks = [stack.enter_context(f.open("w", encoding="utf-8", newline="")) for f in files]
        keep, reject = (csv.writer(sink, lineterminator="\n").writerow for sink in sinks)
        keep(["filepath", "title", "score"])
        reject(["filepath", "reason"])
        for index, rows in enumerate(_parts(pairs, judged)):
            chosen = []
            for row in rows:
                reason = row.reason or _why_not(row, line, seen)
                counts[reason or STATUS_OK] += 1
                if row.status != STATUS_OK:
                    reject([row.filepath, row.reason])
                elif reason is None:
                    chosen.append(row)
            paths = _written_out(tars[index], chosen, root) if tars and chosen else None
            for number, row in enumerate(chosen):
                path = row.filepath if paths is None else paths[number]
                keep([path, row.title, f"{row.probability:.6f}"])
            written.update(paths or [])


def _parts(pairs: ds.Dataset, judged: ds.Dataset) -> Iterator[Iterator[Row]]:
    for pair, verdict in zip(pairs.get_fragments(), judged.get_fragments(), strict=True):
        of_pair = pair.to_table(columns=["filepath", "title"])
        of_image = verdict.to_table(columns=["probability", "content_hash", "status", "reason"])
        columns = [*of_pair.columns, *of_image.columns]
        yield (Row(*values) for values in zip(*(c.to_pylist() for c in columns), strict=True))


def _why_not(row: Row, line: Worth, seen: set[str]) -> str | None:
    """Say why a judged pair does not stay; remember it if it does."""
    if (row.probability or 0.0) < line.threshold:
        return BELOW
    key = content_id(f"{row.content_hash}{row.title}".encode())
    if key in seen:
        return SAME_PAIR
    seen.add(key)
    return None


def _written_out(tar: Path, rows: list[Row], root: Path) -> list[str]:
    """Write the images of a tar's rows under the root; give their paths."""
    paths = []
    with TarImages(tar) as images:
        for row in rows:
            name = f"{row.content_hash}{Path(row.filepath).suffix.lower()}"
            path = f"{IMAGES}/{name[:2]}/{name}"
            if not (root / path).exists():
                write_bytes(root / path, images.read(row.filepath))
            paths.append(path)
    return paths


def _report(of: Trained, line: Worth, config: KeptConfig, counts: Counter[str]) -> dict[str, Any]:
    return {
        "examples": {"remote_sensing": len(of.remote_sensing), "other": len(of.other)},
        "cross_validated": {
            "auc": of.auc,
            "average_precision": of.average_precision,
            **line.as_json(),
            "prevalence": config.prevalence,
        },
        "pairs": sum(counts.values()),
        "kept": counts.pop(STATUS_OK, 0),
        "not_kept": dict(counts.most_common()),
        "paths_start_at": "this folder" if config.captions is None else "the folder of the images",
    }


KEPT = DatasetStage(
    "kept",
    kept,
    KeptConfig,
    reads=(PAIRS, tables.JUDGED, tables.CLASSIFIER),
    writes=tables.LAION_RS,
    owns=owned_files("laion_rs*", f"{IMAGES}/*/*"),
)
