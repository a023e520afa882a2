"""The stage `score` of a run: scores each image with its two captions."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.clip.devices import gpu_use
from skyscript.clip.vectors.embed import read_below
from skyscript.clip.vectors.store import STORES
from skyscript.clip.worker import clip_identity
from skyscript.files.tar_places import rows_in_tars
from stages import tables
from stages.score.config import OFF, RunScoreConfig
from stages.score.engine import score_pairs


def score(
    captions: pa.Table,
    images: pa.Table,
    *,
    config: RunScoreConfig,
    shard: Shard,
) -> pa.Table:
    """Compute the cosine of each image with its captions, or record why the image cannot be used.

    Vectors are stored in ``embeddings/``, by the content of the image and by the text, so changed
    captions cost only their new texts. Rows that are not ok are passed on with their reason.
    """
    ok = pc.equal(captions["status"], STATUS_OK)
    rows = captions.filter(ok)
    found = score_pairs(
        rows["filepath"].to_pylist(),
        rows["title"].to_pylist(),
        rows["title_multi_objects"].to_pylist(),
        read=read_below(shard.root, rows_in_tars(shard.root, images)),
        root=shard.root,
        config=config,
    )
    scored = pa.table({"object_id": rows["object_id"], **found}, schema=tables.SCORES.schema)
    others = captions.filter(pc.invert(ok))
    constants = {"scorer": config.name, "vectors": ""}
    columns = [
        others[field.name]
        if field.name in others.column_names
        else pa.array([constants.get(field.name)] * len(others), field.type)
        for field in tables.SCORES.schema
    ]
    unscored = pa.table(columns, schema=tables.SCORES.schema)
    both = pa.concat_tables([scored, unscored])
    return both.take(pc.index_in(captions["object_id"], both["object_id"].combine_chunks()))


def disabled(config: RunScoreConfig) -> str | None:
    """Give the reason not to score if the config names no model; a run then needs no torch."""
    if config.model != OFF:
        return None
    return (
        "the config names no model; set score.model (which needs pip install 'skyscript[clip]') "
        "to score and filter"
    )


SCORE = ShardStage(
    "score",
    score,
    RunScoreConfig,
    reads=(tables.CAPTIONS, tables.IMAGES),
    writes=tables.SCORES,
    external=clip_identity,
    disabled=disabled,
    stores=STORES,
    gpus=gpu_use,
    version=2,
)
