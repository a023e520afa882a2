"""Scores pairs from outside a run, by four stages that the runner runs like those of a pipeline.

So a killed job continues after its last finished part, and a second run computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.stage import DatasetStage, Shard, ShardStage
from skyscript.clip.model import count_gpu_workers
from skyscript.clip.pairs import PairSource
from skyscript.clip.worker import clip_identity
from skyscript.files.pairs_csv import PairsCsv
from stages import tables
from stages.score.config import PairScoreConfig
from stages.score.engine import score_pairs
from stages.score.scored_csv import write_scored

_COLUMNS = ("filepath", "key", "title", "title_multi_objects")
"""The columns of the CSV that is written for shards."""


class PairsConfig(PairSource):
    """The source of the pairs, and the size of a part."""

    shard_rows: int = Field(
        4096, ge=1, description="Put this many pairs in each part. Each tar of shards is one part."
    )


def identity(config: PairSource) -> Mapping[str, str]:
    """Give the content ids of the captions file, or of the shards."""
    return config.source().identity()


def pairs(*, config: PairsConfig, root: Path) -> Iterator[pa.Table]:  # noqa: ARG001 - no files
    """Read the pairs of a captions file or of shards, in order."""
    for part in config.source().parts(config.shard_rows):
        yield part.cast(tables.PAIRS.schema)


def pair_scores(pairs: pa.Table, *, config: PairScoreConfig, shard: Shard) -> pa.Table:
    """Compute the cosines of each pair, or record why its image cannot be used.

    The stage does not notice if an image changes later under the same path: score changed images
    into a new folder.
    """
    with config.source().reading(shard.index) as read:
        found = score_pairs(
            pairs["filepath"].to_pylist(),
            pairs["title"].to_pylist(),
            pairs["title_multi_objects"].to_pylist(),
            read=read,
            root=shard.root,
            config=config,
        )
    return pa.table({"row": pairs["row"], **found}, schema=tables.PAIR_SCORES.schema)


def scored(
    pairs: ds.Dataset,
    pair_scores: ds.Dataset,
    pair_normalised: ds.Dataset,
    *,
    config: PairSource,
    root: Path,
) -> Iterator[pa.Table]:
    """Write the captions again with the scores as columns, and a list of the unusable images.

    ``<stem>_scored_by_<name>.csv`` has every row of the captions file, in order, or path, key and
    captions of every sample. A missing score is empty. ``….rejected.csv`` names each unusable image
    with the reason.
    """
    scores = (pair_scores, pair_normalised)
    if config.captions is None:
        stem = config.images.stem.partition("{")[0].strip("-_.") or "shards"
        yield write_scored(_samples(pairs), _COLUMNS, *scores, root, stem)
    else:
        file, stem = PairsCsv(config.captions), config.captions.stem
        rows = file.rows()
        yield write_scored(rows, file.columns, *scores, root, stem, not_over=config.captions)


def _samples(pairs: ds.Dataset) -> Iterator[tuple[str, ...]]:
    for batch in pairs.to_batches(columns=["filepath", "title", "title_multi_objects"]):
        for path, *captions in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            member = path.partition("/")[2]
            folder, slash, base = member.rpartition("/")
            key = folder + slash + base.partition(".")[0]
            yield path, key, *(caption or "" for caption in captions)


PAIRS = DatasetStage(
    "pairs", pairs, PairsConfig, reads=(), writes=tables.PAIRS, external=identity, version=2
)
PAIR_SCORES = ShardStage(
    "score",
    pair_scores,
    PairScoreConfig,
    reads=(tables.PAIRS,),
    writes=tables.PAIR_SCORES,
    external=clip_identity,
    at_most=count_gpu_workers,
    version=2,
)
SCORED = DatasetStage(
    "scored",
    scored,
    PairSource,
    reads=(tables.PAIRS, tables.PAIR_SCORES, tables.PAIR_NORMALISED),
    writes=tables.SCORED,
    owns=tables.owned_files(None),
    external=identity,
)
