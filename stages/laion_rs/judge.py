"""The stage `judge`: the classifier's probability for each pair of the web."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.clip.pairs import PairSource
from skyscript.clip.vectors.store import STORES
from skyscript.clip.worker import WorkerClipConfig, clip_identity
from stages.laion_rs import tables
from stages.laion_rs.classifier import read_classifier
from stages.laion_rs.vectors import embed_images, vectors_folder
from stages.tables import PAIRS

NO_CAPTION = "it has no caption"
WEB = "web"
"""Folder of the vectors of the pairs' images."""


class JudgeConfig(PairSource, WorkerClipConfig):
    """The CLIP, and the place of the images."""


def judge(
    pairs: pa.Table, classifier: ds.Dataset, *, config: JudgeConfig, shard: Shard
) -> pa.Table:
    """Compute the probability that each pair's image is a remote-sensing image.

    An image that cannot be used gets the reason. The vectors are stored, so that another classifier
    needs no image again.
    """
    found = read_classifier(classifier).classifier
    titled = [bool(title) for title in pairs["title"].to_pylist()]
    paths = pairs.filter(pa.array(titled))["filepath"].to_pylist()
    with config.source().reading(shard.index, paths) as read:
        images = embed_images(paths, read, config, shard.root, f"{WEB}/{shard.index:05d}")
    probabilities = found.probability(images.vectors)
    hashes = (f"{bits:016x}" for bits in images.likeness.tolist())
    columns = (probabilities.tolist(), images.content_hash, hashes)
    judged = iter(zip(images.wrong, *columns, strict=True))
    stored = {"vectors": f"{vectors_folder(config)}/{WEB}", "status": STATUS_OK}
    rows = []
    for row, has_title in zip(pairs["row"].to_pylist(), titled, strict=True):
        if not has_title:
            rows.append({"row": row, "status": STATUS_FILTERED, "reason": NO_CAPTION})
            continue
        wrong, *values = next(judged)
        if wrong is None:
            names = ("probability", "content_hash", "image_hash")
            rows.append({"row": row, **dict(zip(names, values, strict=True)), **stored})
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
    stores=STORES,
    version=3,
)
