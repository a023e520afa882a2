"""Judging the pairs of the web, a part at a time."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.clip.pairs import PairSource
from skyscript.clip.worker import WorkerClipConfig, clip_identity
from stages.laion_rs import tables
from stages.laion_rs.classifier import trained
from stages.laion_rs.vectors import vectors_of
from stages.tables import PAIRS

NO_CAPTION = "it has no caption"


class JudgeConfig(PairSource, WorkerClipConfig):
    """Which CLIP, and where the images lie."""


def judge(
    pairs: pa.Table, classifier: ds.Dataset, *, config: JudgeConfig, shard: Shard
) -> pa.Table:
    """Give how surely each pair's image is of remote sensing; one that cannot be used says why.

    Vectors are kept, so that another classifier costs no image again.
    """
    found = trained(classifier).classifier
    titled = [bool(title) for title in pairs["title"].to_pylist()]
    paths = pairs.filter(pa.array(titled))["filepath"].to_pylist()
    with config.source().reading(shard.index) as read:
        images = vectors_of(paths, read, config, shard.root, f"web/{shard.index:05d}")
    probabilities = found.probability(images.vectors)
    judged = iter(zip(images.wrong, images.content_hash, probabilities.tolist(), strict=True))
    rows = []
    for row, has_title in zip(pairs["row"].to_pylist(), titled, strict=True):
        if not has_title:
            rows.append({"row": row, "status": STATUS_FILTERED, "reason": NO_CAPTION})
            continue
        wrong, key, probability = next(judged)
        if wrong is None:
            ok = {"probability": probability, "content_hash": key, "status": STATUS_OK}
            rows.append({"row": row, **ok})
        else:
            rows.append({"row": row, "status": wrong.status, "reason": wrong.reason})
    return pa.Table.from_pylist(rows, schema=tables.JUDGED.schema)


JUDGE = ShardStage(
    "judge",
    judge,
    JudgeConfig,
    reads=(PAIRS,),
    writes=tables.JUDGED,
    looks_up=(tables.CLASSIFIER,),
    external=clip_identity,
    version=2,
)
