"""The stage `caption`: two captions of each image, from its row of the table `meta`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.captions import (
    NOTHING_TO_SAY,
    CaptionConfig,
    multi_caption,
    phrases_of,
    single_caption,
)
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables


def caption(
    meta: pa.Table,
    vocab: ds.Dataset,
    *,
    config: CaptionConfig,
    shard: Shard,  # noqa: ARG001
) -> pa.Table:
    """Write two captions for each image. A row that is not ok keeps its status and reason."""
    words = run_vocabulary(vocab)
    titles: list[str | None] = []
    multi_titles: list[str | None] = []
    for status, center_tags, surrounding in zip(
        meta["status"].to_pylist(), _centers(meta), _surroundings(meta), strict=True
    ):
        if status == STATUS_OK and phrases_of(center_tags, config, words).single:
            titles.append(single_caption(center_tags, config, words))
            multi_titles.append(multi_caption(center_tags, surrounding, config, words))
        else:
            titles.append(None)
            multi_titles.append(None)
    title = pa.array(titles, pa.string())
    silent = pc.and_(pc.equal(meta["status"], STATUS_OK), pc.is_null(title))
    return pa.table(
        {
            "object_id": meta["object_id"],
            "filepath": pc.if_else(silent, None, meta["filepath"]),
            "title": title,
            "title_multi_objects": pa.array(multi_titles, pa.string()),
            "status": pc.if_else(silent, STATUS_FILTERED, meta["status"]),
            "reason": pc.if_else(silent, NOTHING_TO_SAY, meta["reason"]),
        },
        schema=tables.CAPTIONS.schema,
    )


def _centers(meta: pa.Table) -> list[dict[str, str]]:
    return [dict(tags) for tags in meta["center_tags"].to_pylist()]


def _surroundings(meta: pa.Table) -> Iterator[list[dict[str, str]]]:
    """Give the tags of each row's neighbours; only these become Python values."""
    column = meta["surrounding"]
    around = iter(pc.struct_field(pc.list_flatten(column), "tags").to_pylist())
    for count in pc.list_value_length(column).to_pylist():
        yield [dict(tags) for tags in itertools.islice(around, count)]


CAPTION = ShardStage(
    "caption",
    caption,
    CaptionConfig,
    reads=(tables.META,),
    looks_up=(tables.VOCAB,),
    writes=tables.CAPTIONS,
    external=vocabulary,
    version=2,
)
