"""Score pairs from outside a run: four stages, run by the same machine as the stages of a run.

So a killed job goes on where it was, and a second one computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.stage import DatasetStage, Shard, ShardStage, Stage
from skyscript.clip.model import one_process_a_gpu
from skyscript.clip.pairs import PairSource
from skyscript.clip.worker import clip_identity
from skyscript.files.pairs_csv import PairsCsv
from stages import tables
from stages.score.config import PairScoreConfig
from stages.score.engine import score_pairs
from stages.score.normalise import PAIR_NORMALISE
from stages.score.scored_csv import write_scored

_COLUMNS = ("filepath", "key", "title", "title_multi_objects")
"""Of the CSV that is written for shards."""


class PairsConfig(PairSource):
    """Which pairs, and how many in a part."""

    shard_rows: int = Field(
        4096, ge=1, description="Put this many pairs in each part. Each tar of shards is one part."
    )


def identity(config: PairSource) -> Mapping[str, str]:
    """Name the content of the captions file, or of the shards."""
    return config.source().identity()


def pairs(*, config: PairsConfig, root: Path) -> Iterator[pa.Table]:  # noqa: ARG001 - no files
    """Give the pairs of a captions file or of shards, in their order."""
    for part in config.source().parts(config.shard_rows):
        yield part.cast(tables.PAIRS.schema)


def pair_scores(pairs: pa.Table, *, config: PairScoreConfig, shard: Shard) -> pa.Table:
    """Give each pair's cosines; an image that cannot be used says why.

    An image in a folder that changes later under the same path is not noticed: score it into a new
    folder.
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
    """Write the captions again with the scores as columns; pairs without one stand beside it.

    ``<stem>_scored_by_<name>.csv`` has every row of the captions file, in order, or path, key and
    captions of every sample; a score is empty where there is none. ``….rejected.csv`` names each
    image that could not be used, with the reason.
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
    at_most=one_process_a_gpu,
    version=2,
)
SCORED = DatasetStage(
    "scored",
    scored,
    PairSource,
    reads=(tables.PAIRS, tables.PAIR_SCORES, tables.PAIR_NORMALISED),
    writes=tables.SCORED,
    external=identity,
)
SCORE_JOB: tuple[Stage, ...] = (PAIRS, PAIR_SCORES, PAIR_NORMALISE, SCORED)
"""Score a captions file or WebDataset shards: what `skyscript score` runs."""
SHARDS_JOB = SCORE_JOB
"""The same stages: the config says where the pairs come from."""
