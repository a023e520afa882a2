"""Pairs from outside a run: a captions file with its images.

Four stages, run by the same machine as a run's: so a killed job goes on where it was, and a second
one computes nothing.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.atomic import file_id, write_file
from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from pipeline.stage import ConfigPath, DatasetStage, Shard, ShardStage, Stage, StageConfig
from stages import tables
from stages.score.config import PairScoreConfig
from stages.score.embed import read_below
from stages.score.engine import external, score_pairs
from stages.score.partners import PAIR_NORMALISE

REJECTED = ".rejected.csv"
csv.field_size_limit(1 << 20)


class PairsConfig(StageConfig):
    """Which pairs."""

    captions: ConfigPath = Field(description="A captions file as published, with any columns more.")
    shard_rows: int = Field(4096, ge=1, description="Pairs in a part.")


class ScoredConfig(StageConfig):
    """The file to write."""

    captions: ConfigPath = Field(description="The captions file that the scores are added to.")


def captions_file(config: PairsConfig | ScoredConfig) -> Mapping[str, str]:
    """Name the content of the captions file."""
    _check_file(config.captions)
    return {"captions": file_id(config.captions)}


def pairs(*, config: PairsConfig, root: Path) -> Iterator[pa.Table]:  # noqa: ARG001 - no files
    """Give a captions file's pairs, in its order. Raises `InputError` that names a bad line."""
    with config.captions.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        _check_header(config.captions, reader)
        numbered = enumerate(_rows(config.captions, reader))
        while some := list(itertools.islice(numbered, config.shard_rows)):
            yield pa.table(
                {
                    "row": [number for number, _ in some],
                    "filepath": [row["filepath"] for _, row in some],
                    "title": [row["title"] for _, row in some],
                    "title_multi_objects": [row.get("title_multi_objects") for _, row in some],
                },
                schema=tables.PAIRS.schema,
            )


def _rows(path: Path, reader: csv.DictReader[str]) -> Iterator[dict[str, str]]:
    try:
        for row in reader:
            if None in row or None in row.values():
                raise InputError(
                    f"{path}: line {reader.line_num} does not have as many fields as the header; "
                    "mend it or take it out."
                )
            yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: line {reader.line_num + 1} cannot be read: {error}.") from None


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: there is no such captions file.")


def _check_header(path: Path, reader: csv.DictReader[str]) -> None:
    try:
        names = reader.fieldnames or []
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not a CSV in UTF-8: {error}.") from None
    for name in ("filepath", "title"):
        if name not in names:
            raise InputError(
                f"{path}: has no column {name!r}; it has {', '.join(names) or 'none'}."
            )


def pair_scores(pairs: pa.Table, *, config: PairScoreConfig, shard: Shard) -> pa.Table:
    """Give each pair's cosines; an image that cannot be used says why.

    An image that changes later under the same path is not noticed: score it into a new folder.
    """
    if not config.images.is_dir():
        raise InputError(f"{config.images}: there is no such folder of images.")
    found = score_pairs(
        pairs["filepath"].to_pylist(),
        pairs["title"].to_pylist(),
        pairs["title_multi_objects"].to_pylist(),
        read=read_below(config.images),
        root=shard.root,
        config=config,
    )
    return pa.table({"row": pairs["row"], **found}, schema=tables.PAIR_SCORES.schema)


def scored(
    pair_scores: ds.Dataset, pair_normalised: ds.Dataset, *, config: ScoredConfig, root: Path
) -> Iterator[pa.Table]:
    """Write the captions file again with the scores as columns; pairs without one stand beside it.

    ``<stem>_scored_by_<name>.csv`` has every row, in order, its score empty where there is none;
    ``….rejected.csv`` names each image that could not be used, with the reason.
    """
    values = _scores(pair_scores, pair_normalised)
    first = next(values, None)
    name = first[0] if first else "none"
    out = root / f"{config.captions.stem}_scored_by_{name}.csv"
    if out == config.captions:
        raise InputError(f"{out}: is the captions file itself; choose another --out.")
    rejects = out.with_name(f"{out.stem}{REJECTED}")
    rows = itertools.chain([first] if first else [], values)
    counts: list[tuple[int, int]] = []
    write_file(
        rejects,
        lambda reject: write_file(
            out, lambda file: counts.append(_write(config.captions, name, rows, file, reject))
        ),
    )
    count, rejected = counts[0]
    if not rejected:
        rejects.unlink()
    yield pa.table(
        {"filepath": [out.name], "rows": [count], "content_hash": [_digest(out)]},
        schema=tables.SCORED.schema,
    )


_Scored = tuple[str, str, str, str, str, str, str, str]
"""Scorer, two similarities, the normalised one, two hashes, status, reason; all as text."""


def _scores(scores: ds.Dataset, normalised: ds.Dataset) -> Iterator[_Scored]:
    for scored, normal in zip(scores.get_fragments(), normalised.get_fragments(), strict=True):
        part = scored.to_table(schema=scores.schema)
        numbers = [
            part["similarity"],
            part["similarity_multi_objects"],
            normal.to_table(columns=["normalised"]).column(0),
        ]
        texts = (part[name] for name in ("content_hash", "image_hash", "status", "reason"))
        yield from zip(
            part["scorer"].to_pylist(),
            *(_as_text(column) for column in numbers),
            *([text or "" for text in column.to_pylist()] for column in texts),
            strict=True,
        )


def _as_text(column: pa.ChunkedArray) -> list[str]:
    """Give the shortest digits that make the same float32 again; nothing for null."""
    values = column.to_numpy()
    return ["" if np.isnan(value) else str(value) for value in values]


def _write(
    captions: Path, name: str, scores: Iterator[_Scored], out: Path, rejects: Path
) -> tuple[int, int]:
    """Write both files; give how many rows, and how many of them have no score."""
    count = rejected = 0
    with (
        captions.open(encoding="utf-8", newline="") as file,
        out.open("w", encoding="utf-8", newline="") as sink,
        rejects.open("w", encoding="utf-8", newline="") as reject_sink,
    ):
        reader = csv.DictReader(file)
        names = list(reader.fieldnames or [])
        multi = "title_multi_objects" in names
        added = [f"similarity_{name}", *([f"similarity_{name}_multi_objects"] if multi else [])]
        added += [f"normalised_{name}", "content_hash", "image_hash"]
        kept = [column for column in names if column not in added]
        writer, reject = (csv.writer(f, lineterminator="\n") for f in (sink, reject_sink))
        writer.writerow([*kept, *added])
        reject.writerow(["filepath", "reason"])
        for row, (_, single, both, normal, content, likeness, status, reason) in zip(
            reader, scores, strict=True
        ):
            similar = [single, both] if multi else [single]
            added_values = [*similar, normal, content, likeness]
            writer.writerow([*(row[column] for column in kept), *added_values])
            count += 1
            if status != STATUS_OK:
                reject.writerow([row["filepath"], reason])
                rejected += 1
    return count, rejected


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


PAIRS = DatasetStage(
    "pairs", pairs, PairsConfig, reads=(), writes=tables.PAIRS, external=captions_file
)
PAIR_SCORES = ShardStage(
    "score",
    pair_scores,
    PairScoreConfig,
    reads=(tables.PAIRS,),
    writes=tables.PAIR_SCORES,
    external=external,
)
SCORED = DatasetStage(
    "scored",
    scored,
    ScoredConfig,
    reads=(tables.PAIR_SCORES, tables.PAIR_NORMALISED),
    writes=tables.SCORED,
    external=captions_file,
)
SCORE_JOB: tuple[Stage, ...] = (PAIRS, PAIR_SCORES, PAIR_NORMALISE, SCORED)
"""Score a captions file: what `skyscript score` runs."""
