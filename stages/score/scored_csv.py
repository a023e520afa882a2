"""Writes a captions file with scores as columns, and a list of the images without a score."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.atomic import write_file
from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from pipeline.storage import Place
from skyscript.files.pairs_csv import csv_writer
from stages.tables import files_written

REJECTED = ".rejected.csv"
_PHRASES = pc.field("phrases").is_valid()


class _Scores(NamedTuple):
    """The scores of a pair as text; null is empty."""

    scorer: str
    single: str
    multi: str
    normalised: str
    phrases: str
    content: str
    likeness: str
    status: str
    reason: str


def write_scored(
    rows: Iterator[Sequence[str]],
    names: Sequence[str],
    scores: ds.Dataset,
    normalised: ds.Dataset,
    root: Place,
    stem: str,
    *,
    not_over: Place | None = None,
) -> pa.Table:
    """Write ``<stem>_scored_by_<name>.csv`` and its row of the table ``scored``.

    The CSV has every row, in order; a missing score is empty. ``….rejected.csv`` names each
    unusable image with the reason.
    """
    values = _scores(scores, normalised)
    first = next(values, None)
    scorer = first.scorer if first else "none"
    out = root / f"{stem}_scored_by_{scorer}.csv"
    if out == not_over:
        raise InputError(f"{out}: is the captions file; choose another --out.")
    added = _added_columns(names, scorer, phrases=bool(scores.count_rows(filter=_PHRASES)))
    rejects = out.with_name(f"{out.stem}{REJECTED}")
    all_values = itertools.chain([first] if first else [], values)
    counts: list[tuple[int, int]] = []
    write_file(
        rejects,
        lambda reject: write_file(
            out,
            lambda file: counts.append(_write(rows, names, added, all_values, file, reject)),
        ),
    )
    count, rejected = counts[0]
    if not rejected:
        rejects.unlink()
    return files_written(root, {out.name: count})


def _scores(scores: ds.Dataset, normalised: ds.Dataset) -> Iterator[_Scores]:
    for scored, normal in zip(scores.get_fragments(), normalised.get_fragments(), strict=True):
        part = scored.to_table(schema=scores.schema)
        numbers = [
            part["similarity"],
            part["similarity_multi_objects"],
            normal.to_table(columns=["normalised"]).column(0),
        ]
        phrases = [
            ";".join(map(str, p.values.to_numpy())) if p.is_valid else "" for p in part["phrases"]
        ]
        texts = (part[name] for name in ("content_hash", "image_hash", "status", "reason"))
        yield from map(
            _Scores._make,
            zip(
                part["scorer"].to_pylist(),
                *(_as_text(column) for column in numbers),
                phrases,
                *([text or "" for text in column.to_pylist()] for column in texts),
                strict=True,
            ),
        )


def _as_text(column: pa.ChunkedArray) -> list[str]:
    """Give the shortest text that reads as the same float32; null is empty."""
    values = column.to_numpy()
    return ["" if np.isnan(value) else str(value) for value in values]


def _added_columns(names: Sequence[str], scorer: str, *, phrases: bool) -> dict[str, str]:
    """Give the columns to add, each with the name of its score."""
    added = {f"similarity_{scorer}": "single"}
    if "title_multi_objects" in names:
        added |= {f"similarity_{scorer}_multi_objects": "multi"}
    added |= {f"normalised_{scorer}": "normalised"}
    if phrases:
        added |= {f"phrases_{scorer}": "phrases"}
    return added | {"content_hash": "content", "image_hash": "likeness"}


def _write(
    rows: Iterator[Sequence[str]],
    names: Sequence[str],
    added: Mapping[str, str],
    scores: Iterator[_Scores],
    out: Path,
    rejects: Path,
) -> tuple[int, int]:
    """Write both files; give the number of rows and the number without a score."""
    count = rejected = 0
    unchanged = [at for at, column in enumerate(names) if column not in added]
    path = names.index("filepath")
    with (
        csv_writer(out, [*(names[at] for at in unchanged), *added]) as write,
        csv_writer(rejects, ("filepath", "reason")) as reject,
    ):
        for row, score in zip(rows, scores, strict=True):
            values = (getattr(score, field) for field in added.values())
            write([*(row[at] for at in unchanged), *values])
            count += 1
            if score.status != STATUS_OK:
                reject([row[path], score.reason])
                rejected += 1
    return count, rejected
