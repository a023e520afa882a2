"""Scores pairs from outside a run, by four stages that the runner runs like those of a pipeline.

So a killed job continues after its last finished part, and a second run computes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.errors import InputError
from pipeline.inputs import local_input
from pipeline.stage import DatasetStage, Shard, ShardStage
from pipeline.storage import Place
from skyscript.clip.devices import gpu_use
from skyscript.clip.pairs import PairSource
from skyscript.clip.vectors.store import STORES
from skyscript.clip.worker import clip_identity
from skyscript.files.pairs_csv import PairsCsv
from skyscript.files.shards import key_of
from stages import tables
from stages.score.config import PairScoreConfig
from stages.score.engine import score_pairs
from stages.score.scored_csv import write_scored

log = logging.getLogger(__name__)

_CAPTIONS = ("title", "title_multi_objects")
_COLUMNS = ("filepath", "key", "title", "title_multi_objects")
"""The columns of the CSV that is written for shards."""


class PairsConfig(PairSource):
    """The source of the pairs, and the size of a part."""

    shard_rows: int = Field(
        4096, ge=1, description="Put this many pairs in each part. Each tar of shards is one part."
    )


def identity(config: PairSource) -> Mapping[str, str]:
    """Give the content ids of the captions file and of its images, or of the shards."""
    return config.source().identity()


def captions_identity(config: PairSource) -> Mapping[str, str]:
    """Give the content ids of the captions file, or of the shards."""
    return config.source().captions_identity()


def pairs(*, config: PairsConfig, root: Place) -> Iterator[pa.Table]:  # noqa: ARG001 - no files
    """Read the pairs of a captions file or of shards, in order.

    Raises `InputError` if none has a caption.
    """
    where, count, without, untitled = config.captions or config.images, 0, 0, 0
    for part in config.source().parts(config.shard_rows):
        yield part.cast(tables.PAIRS.schema)
        no_title, no_multi = (pc.is_null(part[name]) for name in _CAPTIONS)
        count += len(part)
        untitled += pc.sum(no_title).as_py() or 0
        without += pc.sum(pc.and_(no_title, no_multi)).as_py() or 0
    if without == count:
        raise InputError(
            f"{where}: none of its {count:,} pairs has a caption. A sample of a shard has it in "
            "KEY.txt, or as title or caption in KEY.json."
        )
    if untitled:
        log.warning(
            "%s: %s of %s pairs have no title and get no score for it",
            where,
            f"{untitled:,}",
            f"{count:,}",
        )


def pair_scores(pairs: pa.Table, *, config: PairScoreConfig, shard: Shard) -> pa.Table:
    """Compute the cosines of each pair, or record why its image cannot be used.

    A part is scored again if one of its images has changed, because the pairs name their content.
    """
    paths = pairs["filepath"].to_pylist()
    with config.source().reading(shard.index, paths) as read:
        found = score_pairs(
            paths,
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
    root: Place,
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
        file, stem = PairsCsv(local_input(config.captions)), config.captions.stem
        rows = file.rows()
        yield write_scored(rows, file.columns, *scores, root, stem, not_over=config.captions)


def _samples(pairs: ds.Dataset) -> Iterator[tuple[str, ...]]:
    for batch in pairs.to_batches(columns=["filepath", "title", "title_multi_objects"]):
        for path, *captions in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            yield path, key_of(path.partition("/")[2]), *(caption or "" for caption in captions)


PAIRS = DatasetStage(
    "pairs", pairs, PairsConfig, reads=(), writes=tables.PAIRS, external=identity, version=3
)
PAIR_SCORES = ShardStage(
    "score",
    pair_scores,
    PairScoreConfig,
    reads=(tables.PAIRS,),
    writes=tables.PAIR_SCORES,
    external=clip_identity,
    stores=STORES,
    gpus=gpu_use,
    version=3,
)
SCORED = DatasetStage(
    "scored",
    scored,
    PairSource,
    reads=(tables.PAIRS, tables.PAIR_SCORES, tables.PAIR_NORMALISED),
    writes=tables.SCORED,
    owns=tables.owned_files(None),
    external=captions_identity,
)
