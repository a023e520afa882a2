"""The stage `caption`: two captions of each image, from its row of the table `meta`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.captions import (
    NOTHING_TO_SAY,
    CaptionConfig,
    ObjectPhrases,
    phrases_of,
    surrounded,
)
from skyscript.osm.tags import Tags, tags_of
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from tag_vocab import Vocabulary

OVER_THE_EDGE = "the tile is not within the bounds of the OSM extract"


class CaptionTilesConfig(CaptionConfig):
    """The wording of captions, and the tiles that get some."""

    incomplete_surroundings: Literal["keep", "refuse"] = Field(
        default="keep",
        description="Write captions of tiles over the edge of the OSM extract, where objects are "
        "missing (`keep`), or filter these tiles (`refuse`). Refuse them if your captions say what "
        "is not in a tile.",
    )


def caption(
    meta: pa.Table,
    vocab: ds.Dataset,
    *,
    config: CaptionTilesConfig,
    shard: Shard,  # noqa: ARG001
) -> pa.Table:
    """Write two captions for each image. A row that is not ok keeps its status and reason."""
    words = run_vocabulary(vocab)
    phrases = _Phrases(config, words)
    status, reason = _status_before(meta, config)
    titles: list[str | None] = []
    multi_titles: list[str | None] = []
    for is_ok, center, around in zip(
        pc.equal(status, STATUS_OK).to_pylist(),
        tags_of(meta["center_tags"]),
        _surroundings(meta),
        strict=True,
    ):
        single, focus = phrases[center] if is_ok else ("", "")
        neighbours = (phrases[tags].multi for tags in around)
        titles.append(config.prefix + single if single else None)
        multi_titles.append(surrounded(focus, neighbours, config) if single else None)
    title = pa.array(titles, pa.string())
    silent = pc.and_(pc.equal(status, STATUS_OK), pc.is_null(title))
    return pa.table(
        {
            "object_id": meta["object_id"],
            "filepath": pc.if_else(pc.is_null(title), None, meta["filepath"]),
            "title": title,
            "title_multi_objects": pa.array(multi_titles, pa.string()),
            "status": pc.if_else(silent, STATUS_FILTERED, status),
            "reason": pc.if_else(silent, NOTHING_TO_SAY, reason),
        },
        schema=tables.CAPTIONS.schema,
    )


class _Phrases(dict[Tags, ObjectPhrases]):
    """The words of the objects of a shard: most of them have the tags of another one."""

    def __init__(self, config: CaptionConfig, words: Vocabulary) -> None:
        super().__init__()
        self._config, self._words = config, words

    def __missing__(self, tags: Tags) -> ObjectPhrases:
        self[tags] = phrases_of(dict(tags), self._config, self._words)
        return self[tags]


def _status_before(
    meta: pa.Table, config: CaptionTilesConfig
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Give the status and the reason of each row before it is captioned."""
    status, reason = meta["status"], meta["reason"]
    if config.incomplete_surroundings == "keep":
        return status, reason
    refused = pc.and_(
        pc.equal(status, STATUS_OK), pc.invert(pc.fill_null(meta["surroundings_complete"], False))
    )
    return (
        pc.if_else(refused, STATUS_FILTERED, status),
        pc.if_else(refused, OVER_THE_EDGE, reason),
    )


def _surroundings(meta: pa.Table) -> Iterator[list[Tags]]:
    """Yield the tags of each row's neighbours; only these become Python values."""
    column = meta["surrounding"]
    around = tags_of(pc.struct_field(pc.list_flatten(column), "tags"))
    ends = itertools.accumulate(pc.list_value_length(column).to_pylist(), initial=0)
    return (around[start:end] for start, end in itertools.pairwise(ends))


CAPTION = ShardStage(
    "caption",
    caption,
    CaptionTilesConfig,
    reads=(tables.META,),
    looks_up=(tables.VOCAB,),
    writes=tables.CAPTIONS,
    external=vocabulary,
    version=3,
)
