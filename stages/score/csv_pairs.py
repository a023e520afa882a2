"""Pairs from outside a run: a captions file with its images.

Four stages, run by the same machine as a run's: so a killed job goes on where it was, and a second
one computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.atomic import file_id
from pipeline.errors import InputError
from pipeline.scratch import in_parts
from pipeline.stage import ConfigPath, DatasetStage, Shard, ShardStage, StageConfig
from skyscript.clip.model import one_process_a_gpu
from skyscript.clip.vectors.embed import read_below
from skyscript.files.pairs_csv import HEADER, PairsCsv
from stages import tables
from stages.score.config import PairScoreConfig
from stages.score.engine import external, score_table
from stages.score.scored_csv import write_scored


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
    """Name the content of the captions file. Raises `InputError` where its header is wrong."""
    PairsCsv(config.captions)
    return {"captions": file_id(config.captions)}


def pairs(*, config: PairsConfig, root: Path) -> Iterator[pa.Table]:  # noqa: ARG001 - no files
    """Give a captions file's pairs, in its order; a blank title is no title.

    Raises `InputError` that names a line which cannot be read, or where there are no pairs.
    """
    file = PairsCsv(config.captions)
    names = [name for name in HEADER if name in file.columns]
    row = 0
    for part in in_parts(file.batches(names, blank="null"), config.shard_rows):
        columns = dict(zip(names, part.columns, strict=True))
        columns["row"] = pa.array(range(row, row + len(part)), pa.int64())
        row += len(part)
        none = pa.nulls(len(part), pa.string())
        yield pa.table(
            [columns.get(name, none) for name in tables.PAIRS.schema.names],
            schema=tables.PAIRS.schema,
        )
    if not row:
        raise file.no_pairs()


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
    file = PairsCsv(config.captions)
    stem = file.path.stem
    yield write_scored(
        file.rows(), file.columns, pair_scores, pair_normalised, root, stem, not_over=file.path
    )


PAIRS = DatasetStage(
    "pairs", pairs, PairsConfig, reads=(), writes=tables.PAIRS, external=captions_file, version=2
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
