"""The files of a set: predictions, a line a class, the confusion matrix."""

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
from stages.evaluate.confusion import draw_confusion, matrix
from stages.evaluate.retrieval import View


def write_classified(folder: Path, found: ZeroShot, title: str) -> dict[str, str]:
    """Write what is behind a set's accuracy; give the files' names by what they are."""
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
    cells = matrix(images.labels, found.predicted, len(images.classes))
    _write_table(folder / "predictions.parquet", table)
    write_bytes(folder / "per_class.csv", _per_class(cells, images.classes))
    draw_confusion(folder / "confusion.png", cells, images.classes, title)
    return {
        "predictions": f"{folder.name}/predictions.parquet",
        "per_class": f"{folder.name}/per_class.csv",
        "confusion": f"{folder.name}/confusion.png",
    }


def mean_of_classes(found: ZeroShot) -> float:
    """Give the mean of the classes' top-1, over classes that have images."""
    cells = matrix(found.images.labels, found.predicted, len(found.images.classes))
    images = cells.sum(1)
    # Places, not predictions: they agree on ties.
    right = np.bincount(found.images.labels, found.true_rank == 1, len(images))
    return float((right[images > 0] / images[images > 0]).mean())


def _per_class(cells: NDArray[np.int64], classes: list[str]) -> bytes:
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
    """Write what is behind a set's recalls; give the files' names by what they are."""
    view = ways["published"]
    _write_table(
        folder / "image_to_text.parquet",
        pa.table(
            {
                "filepath": pa.array(data.paths, pa.string()),
                "first": pa.array([data.texts[i] for i in view.image_to_text.first], pa.string()),
                "place": pa.array(view.image_to_text.place, pa.int32()),
            }
        ),
    )
    _write_table(
        folder / "text_to_image.parquet",
        pa.table(
            {
                "text": pa.array(data.texts, pa.string()),
                "first": pa.array([data.paths[i] for i in view.text_to_image.first], pa.string()),
                "place": pa.array(view.text_to_image.place, pa.int32()),
            }
        ),
    )
    return {
        "image_to_text": f"{folder.name}/image_to_text.parquet",
        "text_to_image": f"{folder.name}/text_to_image.parquet",
    }


def _write_table(path: Path, table: pa.Table) -> None:
    write_file(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))
