"""The files of a set: the predictions, a table of the classes, the confusion matrix."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.atomic import write_bytes, write_file
from skyscript.benchmarks import CaptionedImages, ZeroShot
from stages.evaluate.confusion import count_confusions, draw_confusion
from stages.evaluate.retrieval import View


def write_classified(folder: Path, found: ZeroShot, title: str) -> dict[str, str]:
    """Write the details of a set's accuracy. Returns the path of each file, relative to `out`."""
    images = found.images
    names = np.array(images.classes, dtype=object)
    table = pa.table(
        {
            "filepath": pa.array(images.paths, pa.string()),
            "label": pa.array(names[images.labels], pa.string()),
            "predicted": pa.array(names[found.predicted], pa.string()),
            "label_index": pa.array(images.labels, pa.int32()),
            "predicted_index": pa.array(found.predicted, pa.int32()),
            "logit": pa.array(found.logit, pa.float32()),
            "place": pa.array(found.true_rank, pa.int32()),
            "tied": pa.array(found.tied, pa.bool_()),
        }
    )
    cells = count_confusions(images.labels, found.predicted, len(images.classes))
    write_table(folder / "predictions.parquet", table)
    write_bytes(folder / "per_class.csv", _format_classes(cells, images.classes))
    draw_confusion(folder / "confusion.png", cells, images.classes, title)
    return {
        "predictions": f"{folder.name}/predictions.parquet",
        "per_class": f"{folder.name}/per_class.csv",
        "confusion": f"{folder.name}/confusion.png",
    }


def average_classes(found: ZeroShot) -> float:
    """Average the top-1 of the classes that have images."""
    images = np.bincount(found.images.labels, minlength=len(found.images.classes))
    # Uses the ranks and not the predictions, because accuracy uses the ranks, also for ties.
    right = np.bincount(found.images.labels, found.true_rank == 1, len(images))
    return float((right[images > 0] / images[images > 0]).mean())


def _format_classes(cells: NDArray[np.int64], classes: list[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "images", "right", "top1", "most_taken_for", "share_taken_for"])
    for at, (name, row) in enumerate(zip(classes, cells, strict=True)):
        total, right = int(row.sum()), int(row[at])
        wrong = np.where(np.arange(len(row)) == at, 0, row)
        other = int(wrong.argmax())
        taken = [classes[other], f"{wrong[other] / total:.4f}"] if wrong.any() else ["", ""]
        writer.writerow([name, total, right, f"{right / total:.4f}" if total else "", *taken])
    return text.getvalue().encode()


def write_retrieved(folder: Path, data: CaptionedImages, ways: dict[str, View]) -> dict[str, str]:
    """Write the details of a set's recalls. Returns the path of each file, relative to `out`."""
    to_text, to_image, _ = ways["published"]
    written = {}
    for name, query, queries, answers, found in (
        ("image_to_text", "filepath", data.paths, data.texts, to_text),
        ("text_to_image", "text", data.texts, data.paths, to_image),
    ):
        table = pa.table(
            {
                query: pa.array(queries, pa.string()),
                "first": pa.array([answers[i] for i in found.first], pa.string()),
                "place": pa.array(found.place, pa.int32()),
            }
        )
        write_table(folder / f"{name}.parquet", table)
        written[name] = f"{folder.name}/{name}.parquet"
    return written


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table of details as Parquet."""
    write_file(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))
