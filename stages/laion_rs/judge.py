"""Judging the pairs of the web, a part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.clip.vectors.decoding import Read
from skyscript.clip.vectors.embed import read_below
from skyscript.files.shards import TarImages
from stages.laion_rs import tables
from stages.laion_rs.classifier import trained
from stages.laion_rs.vectors import VectorsConfig, external, vectors_of
from stages.laion_rs.web import Source
from stages.tables import PAIRS

NO_CAPTION = "it has no caption"


class JudgeConfig(Source, VectorsConfig):
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
    with _reading(config, shard) as read:
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


@contextmanager
def _reading(config: JudgeConfig, shard: Shard) -> Iterator[Read]:
    """Give what reads the images of a part: of a folder, or of the part's own tar."""
    tars = config.tars()
    if tars is None:
        yield read_below(config.images)
        return
    with TarImages(tars[shard.index]) as images:
        yield images.read


JUDGE = ShardStage(
    "judge",
    judge,
    JudgeConfig,
    reads=(PAIRS,),
    writes=tables.JUDGED,
    looks_up=(tables.CLASSIFIER,),
    external=external,
    version=2,
)
