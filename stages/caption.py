"""The stage `caption`: two captions of each image, from its row of the table `meta`.

If the run makes statements, two more are composed of the title and of these sentences.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.captions import (
    NOTHING_TO_SAY,
    CaptionConfig,
    Composed,
    Neighbour,
    ObjectPhrases,
    PhraseTokens,
    ReadableStyle,
    compose,
    count_caption,
    join_phrases,
    named_phrases,
    phrases_of,
    take_turns,
)
from skyscript.osm.tags import Tags, tags_of
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from tag_vocab import Vocabulary

_Near = TypeVar("_Near")
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
    statements: pa.Table | None = None,
) -> pa.Table:
    """Write two captions for each image, or four. A row that is not ok keeps status and reason."""
    status, reason = _status_before(meta, config)
    write = _published if config.style == "published" else _readable
    is_ok = pc.equal(status, STATUS_OK)
    rows = list(write(meta, is_ok.to_pylist(), config, run_vocabulary(vocab)))
    titles, multi_titles, tokens, multi_tokens = zip(*rows, strict=True) if rows else ((),) * 4
    title = pa.array(titles, pa.string())
    silent = pc.and_(is_ok, pc.is_null(title))
    columns = {
        "object_id": meta["object_id"],
        "filepath": pc.if_else(pc.is_null(title), None, meta["filepath"]),
        "title": title,
        "title_multi_objects": pa.array(multi_titles, pa.string()),
        "tokens": pa.array(tokens, pa.int32()),
        "tokens_multi_objects": pa.array(multi_tokens, pa.int32()),
        **_composed(meta["object_id"], rows, statements),
        "status": pc.if_else(silent, STATUS_FILTERED, status),
        "reason": pc.if_else(silent, NOTHING_TO_SAY, reason),
    }
    names = tables.CAPTIONS.schema.names
    return pa.table({name: columns[name] for name in names}, schema=tables.CAPTIONS.schema)


_Row = tuple[str | None, str | None, int | None, int | None]
_NONE: _Row = (None, None, None, None)


def _published(
    meta: pa.Table, is_ok: Sequence[bool], config: CaptionConfig, words: Vocabulary
) -> Iterator[_Row]:
    """Yield the published captions of each row, with their numbers of tokens."""
    phrases, counts = _Phrases(config, words), PhraseTokens()
    for ok, center, around in zip(
        is_ok, tags_of(meta["center_tags"]), _surroundings(meta, _tags), strict=True
    ):
        single, focus = phrases[center] if ok else ("", "")
        if not single:
            yield _NONE
            continue
        named = named_phrases(focus, [phrases[tags].multi for tags in around], config)
        yield (
            config.prefix + single,
            join_phrases(named, config),
            count_caption([single], config, counts),
            count_caption(named, config, counts),
        )


def _readable(
    meta: pa.Table, is_ok: Sequence[bool], config: CaptionConfig, words: Vocabulary
) -> Iterator[_Row]:
    """Yield the readable captions of each row, with their numbers of tokens."""
    style = ReadableStyle(config, words)
    kinds = pc.utf8_slice_codeunits(meta["object_id"], 0, 1).to_pylist()
    centers, around = tags_of(meta["center_tags"]), _surroundings(meta, _neighbours)
    for ok, kind, center, near in zip(is_ok, kinds, centers, around, strict=True):
        yield (style.captions(center, kind, near) if ok else None) or _NONE


def _composed(
    images: pa.ChunkedArray, rows: Sequence[_Row], statements: pa.Table | None
) -> dict[str, pa.Array]:
    """Give the columns of the short and the long captions; null without statements."""
    said: dict[str, dict[str, list[str]]] = {}
    if statements is not None:
        known = statements.filter(pc.is_in(statements["kind"], pa.array(_SENTENCES)))
        columns = (known[name].to_pylist() for name in ("object_id", "kind", "text"))
        for name, kind, text in zip(*columns, strict=True):
            said.setdefault(name, {}).setdefault(kind, []).append(text)
    counts = PhraseTokens()
    made: list[Composed | tuple[None, ...]] = []
    for name, (title, multi, tokens, multi_tokens) in zip(images.to_pylist(), rows, strict=True):
        if statements is None or title is None or tokens is None:
            made.append(_NOTHING)
            continue
        begun = [(title, tokens)]
        if multi is not None and multi_tokens is not None:
            begun.append((multi, multi_tokens))
        made.append(compose(begun, take_turns(said.get(name, {}), _SENTENCES), counts))
    parts = zip(*made, strict=True) if made else ((),) * 4
    return {
        name: pa.array(part, pa.string() if name.startswith("title") else pa.int32())
        for name, part in zip(Composed._fields, parts, strict=True)
    }


_SENTENCES = (
    *("cover", "count", "direction", "relation", "distance", "attribute", "crossing"),
    *("season", "date", "gsd"),
)
"""The kinds of statements that are whole sentences, in the order in which they take turns."""
_NOTHING = (None,) * 4


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


def _surroundings(
    meta: pa.Table, read: Callable[[pa.StructArray], list[_Near]]
) -> Iterator[list[_Near]]:
    """Yield the neighbours of each row, as ``read`` gives them; the other columns stay in Arrow."""
    column = meta["surrounding"]
    around = read(pc.list_flatten(column))
    ends = itertools.accumulate(pc.list_value_length(column).to_pylist(), initial=0)
    return (around[start:end] for start, end in itertools.pairwise(ends))


def _tags(neighbours: pa.StructArray) -> list[Tags]:
    return tags_of(pc.struct_field(neighbours, "tags"))


def _neighbours(neighbours: pa.StructArray) -> list[Neighbour]:
    kinds = pc.utf8_slice_codeunits(pc.struct_field(neighbours, "object_id"), 0, 1).to_pylist()
    shares = pc.struct_field(neighbours, "share").to_pylist()
    return list(map(Neighbour, _tags(neighbours), kinds, shares))


CAPTION = ShardStage(
    "caption",
    caption,
    CaptionTilesConfig,
    reads=(tables.META,),
    looks_up=(tables.VOCAB,),
    may_read=(tables.STATEMENTS,),
    writes=tables.CAPTIONS,
    external=vocabulary,
    version=5,
)
