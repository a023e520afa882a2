"""Pairs from outside a run: a captions file with its images.

Four stages, run by the same machine as a run's: so a killed job goes on where it was, and a second
one computes nothing.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.atomic import file_id
from pipeline.errors import InputError
from pipeline.stage import ConfigPath, DatasetStage, Shard, ShardStage, StageConfig
from skyscript.clip.model import one_process_a_gpu
from skyscript.clip.vectors.embed import read_below
from stages import tables
from stages.score.config import PairScoreConfig
from stages.score.engine import external, score_table
from stages.score.scored_csv import write_scored

csv.field_size_limit(1 << 20)


class PairsConfig(StageConfig):
    """Which pairs."""

    captions: ConfigPath = Field(
        description="Read this captions file in the published format. It may have more columns."
    )
    shard_rows: int = Field(4096, ge=1, description="Put this many pairs in each part.")


class ScoredConfig(StageConfig):
    """The file to write."""

    captions: ConfigPath = Field(description="Add the scores to this captions file.")


def captions_file(config: PairsConfig | ScoredConfig) -> Mapping[str, str]:
    """Name the content of the captions file."""
    _check_file(config.captions)
    return {"captions": file_id(config.captions)}


def pairs(*, config: PairsConfig, root: Path) -> Iterator[pa.Table]:  # noqa: ARG001 - no files
    """Give a captions file's pairs, in its order. Raises `InputError` that names a bad line."""
    with config.captions.open(encoding="utf-8-sig", newline="") as file:
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
                    "origin": [None] * len(some),
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
    return score_table(pairs, read_below(config.images), shard.root, config)


def scored(
    pair_scores: ds.Dataset, pair_normalised: ds.Dataset, *, config: ScoredConfig, root: Path
) -> Iterator[pa.Table]:
    """Write the captions file again with the scores as columns; pairs without one stand beside it.

    ``<stem>_scored_by_<name>.csv`` has every row, in order, its score empty where there is none;
    ``….rejected.csv`` names each image that could not be used, with the reason.
    """
    path = config.captions
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = list(reader.fieldnames or [])
        yield write_scored(
            reader, names, pair_scores, pair_normalised, root, path.stem, not_over=path
        )


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
    at_most=one_process_a_gpu,
)
SCORED = DatasetStage(
    "scored",
    scored,
    ScoredConfig,
    reads=(tables.PAIR_SCORES, tables.PAIR_NORMALISED),
    writes=tables.SCORED,
    owns=tables.owned_files(None),
    external=captions_file,
)
