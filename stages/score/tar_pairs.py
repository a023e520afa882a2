"""Pairs in WebDataset shards: a tar a part, so a killed job goes on at the tar where it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.atomic import file_id
from pipeline.errors import InputError
from pipeline.stage import ConfigPath, DatasetStage, Shard, ShardStage, StageConfig
from skyscript.clip.model import one_process_a_gpu
from skyscript.files.shards import TarImages, find_tars, samples
from stages import tables
from stages.score.config import PairScoreConfig
from stages.score.engine import external, score_table
from stages.score.scored_csv import write_scored

_BLOCKS = 4
"""Mebibytes of a tar that are read to tell whether it has changed."""
_COLUMNS = ("filepath", "key", "title", "title_multi_objects")


class TarPairsConfig(StageConfig):
    """Which shards."""

    images: ConfigPath = Field(
        description="Read these WebDataset shards: a tar, a folder of tars, or several tars by "
        "braces, as 'shards-{0000..0009}.tar'."
    )


def _tars(config: TarPairsConfig | PairScoreConfig) -> list[Path]:
    found = find_tars(config.images)
    if not found:
        raise InputError(
            f"{config.images}: is neither a tar nor a folder that holds *.tar; without --captions, "
            "the pairs come from WebDataset shards."
        )
    return found


def tars(config: TarPairsConfig) -> Mapping[str, str]:
    """Name the content of the shards."""
    return {tar.name: file_id(tar, _BLOCKS) for tar in _tars(config)}


def tar_pairs(*, config: TarPairsConfig, root: Path) -> Iterator[pa.Table]:  # noqa: ARG001
    """Give the samples of WebDataset shards, a part a tar. Raises `InputError` for a hostile one.

    A sample is ``KEY.jpg`` with ``KEY.txt`` (its title) and/or ``KEY.json`` (``title`` or
    ``caption``, ``title_multi_objects``); its path is then ``shard.tar/KEY.jpg``.
    """
    row = 0
    for tar in _tars(config):
        found = list(samples(tar))
        rows = range(row, row + len(found))
        row = rows.stop
        yield pa.table(
            {
                "row": list(rows),
                "filepath": [f"{tar.name}/{sample.image}" for sample in found],
                "title": [sample.title for sample in found],
                "title_multi_objects": [sample.multi for sample in found],
                "origin": [f"{tar.name} {file_id(tar, _BLOCKS)}"] * len(found),
            },
            schema=tables.PAIRS.schema,
        )


def tar_scores(pairs: pa.Table, *, config: PairScoreConfig, shard: Shard) -> pa.Table:
    """Give the cosines of a tar's samples; an image that cannot be used says why."""
    tar = _tars(config)[shard.index]
    with TarImages(tar) as images:
        return score_table(pairs, images.read, shard.root, config)


def tar_scored(
    pairs: ds.Dataset,
    pair_scores: ds.Dataset,
    pair_normalised: ds.Dataset,
    *,
    config: TarPairsConfig,
    root: Path,
) -> Iterator[pa.Table]:
    """Write ``<name>_scored_by_<name>.csv``: path, key, captions and scores of every sample.

    ``….rejected.csv`` beside it names each image that could not be used, with the reason.
    """
    stem = config.images.stem.partition("{")[0].strip("-_.") or "shards"
    yield write_scored(_rows(pairs), _COLUMNS, pair_scores, pair_normalised, root, stem)


def _rows(pairs: ds.Dataset) -> Iterator[dict[str, str]]:
    for batch in pairs.to_batches(columns=["filepath", "title", "title_multi_objects"]):
        for path, *captions in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            member = path.partition("/")[2]
            folder, slash, base = member.rpartition("/")
            key = folder + slash + base.partition(".")[0]
            values = (path, key, *(caption or "" for caption in captions))
            yield dict(zip(_COLUMNS, values, strict=True))


PAIRS = DatasetStage(
    "pairs", tar_pairs, TarPairsConfig, reads=(), writes=tables.PAIRS, external=tars
)
PAIR_SCORES = ShardStage(
    "score",
    tar_scores,
    PairScoreConfig,
    reads=(tables.PAIRS,),
    writes=tables.PAIR_SCORES,
    external=external,
    at_most=one_process_a_gpu,
)
SCORED = DatasetStage(
    "scored",
    tar_scored,
    TarPairsConfig,
    reads=(tables.PAIRS, tables.PAIR_SCORES, tables.PAIR_NORMALISED),
    writes=tables.SCORED,
    owns=tables.owned_files(None),
)
