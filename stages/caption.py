"""Captions by rule from an image's tags, to the letter of the published ones.

The rules are read off published rows: the prefix; an object's tags in the vocabulary's order and
words; in the single caption joined by ", ", in the multi caption by " with " and then " and ";
neighbours after ", surrounded by ", separated by "; ", equal ones once.

Old spellings are said as today's, and several values in one (tennis;basketball) one by one, in a
run's captions and in those of published pickles alike.

A neighbour that would be said just as the focus is left out: none of the known published captions
repeats its focus, though crossings and bus stops seldom stand alone, and the repeat says nothing.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import Field

import tag_vocab
from pipeline.atomic import write_file
from pipeline.errors import InputError, ItemsFailed
from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import Shard, ShardStage, StageConfig
from skyscript.files.meta import Meta
from skyscript.files.metas import read_metas
from skyscript.files.names import image_path
from skyscript.files.pairs_csv import HEADER, csv_writer, write_pairs
from skyscript.files.phrases import AROUND, BETWEEN
from skyscript.vocabulary import labelled_vocabulary, run_vocabulary, vocabulary
from stages import tables
from tag_vocab import SHIPPED, Vocabulary

TagOrder = Literal["most_frequent_first", "as_given"]
Spelling = Literal["today", "as_given"]
NOTHING_TO_SAY = "no tag to say"
_KEPT_TAGS = 16
"""Objects of up to so many tags are worth remembering in words, which also bounds the memory."""


class CaptionConfig(StageConfig):
    """How captions are worded."""

    prefix: str = Field(
        default="a satellite image of ", description="Begin every caption with this text."
    )
    max_surrounding: int | None = Field(
        default=None,
        ge=0,
        description="Name at most this many neighbours in a caption. By default, all are named.",
    )
    tag_order: TagOrder = Field(
        default="most_frequent_first",
        description="Order the tags of an object by the frequency table of the vocabulary, or "
        "keep the order given.",
    )
    spelling: Spelling = Field(
        default="today",
        description="Write old tags in today's spelling and split several values in one tag "
        "(`today`), or write both as given.",
    )


_DEFAULT = CaptionConfig()


def single_caption(
    center_tags: Mapping[str, str],
    config: CaptionConfig = _DEFAULT,
    words: Vocabulary = SHIPPED,
) -> str:
    """Say the focus object alone: "... of building, office of energy supplier"."""
    return config.prefix + _said(center_tags, config, words).single


def multi_caption(
    center_tags: Mapping[str, str],
    surrounding: Iterable[Mapping[str, str]],
    config: CaptionConfig = _DEFAULT,
    words: Vocabulary = SHIPPED,
) -> str:
    """Say the focus object and, in the order given, what stands around it."""
    focus = _said(center_tags, config, words).multi
    distinct = dict.fromkeys(_said(tags, config, words).multi for tags in surrounding)
    around = [said for said in distinct if said and said != focus][: config.max_surrounding]
    return config.prefix + AROUND.join(filter(None, [focus, BETWEEN.join(around)]))


def caption(
    meta: pa.Table,
    vocab: ds.Dataset,
    *,
    config: CaptionConfig,
    shard: Shard,  # noqa: ARG001
) -> pa.Table:
    """Give each image its two captions; rows that are not ok pass with their reason."""
    words = run_vocabulary(vocab)
    titles: list[str | None] = []
    multi_titles: list[str | None] = []
    for status, center_tags, surrounding in zip(
        meta["status"].to_pylist(), _centers(meta), _surroundings(meta), strict=True
    ):
        if status == STATUS_OK and _said(center_tags, config, words).single:
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


def caption_pickles(
    source: Path,
    out: Path,
    config: CaptionConfig = _DEFAULT,
    own_labels: Path | None = None,
) -> int:
    """Write the caption CSV of published meta files, its image's path first; give its row count.

    ``source`` is whatever `read_metas` reads, of any size. A file that cannot be used does not stop
    the others: it is named, with the reason, in ``<stem of out>.rejected.csv``, and `ItemsFailed`
    is raised at the end. A source that cannot be used raises `InputError` and changes nothing.
    ``own_labels`` is a user's CSV of labels: how a tag is said, or that it is not.
    """
    if out.is_dir():
        raise InputError(f"{out}: is a folder; name the CSV file to write.")
    words = labelled_vocabulary(own_labels)
    rows = (
        (name, meta if isinstance(meta, InputError) else _row(name, meta, config, words))
        for name, meta in read_metas(source)
    )
    rejects = out.with_name(f"{out.stem}.rejected.csv")
    done: list[_Tally] = []
    write_file(rejects, lambda path: done.append(_caption_all(rows, out, path)))
    tally = done[0]
    if tally.rejected:
        raise ItemsFailed(
            f"{out}: {tally.written} captions are written; {tally.rejected} of "
            f"{tally.written + tally.rejected} meta files could not be used. {rejects} names each; "
            f"the first: {tally.first}"
        )
    rejects.unlink()
    return tally.written


@dataclass
class _Tally:
    """What became of the meta files so far."""

    written: int = 0
    rejected: int = 0
    first: str = ""


_Row = tuple[str, str, str]


def _caption_all(
    named: Iterable[tuple[str, _Row | InputError]], out: Path, rejects: Path
) -> _Tally:
    tally = _Tally()
    with csv_writer(rejects, ("name", "reason")) as reject:

        def rows() -> Iterator[_Row]:
            for name, row in named:
                if isinstance(row, InputError):
                    reject((name, str(row).removeprefix(f"{name}: ")))
                    tally.rejected += 1
                    tally.first = tally.first or str(row)
                else:
                    yield row

        def write(path: Path) -> None:
            tally.written = write_pairs(path, HEADER, rows())

        write_file(out, write)
    return tally


def _row(name: str, meta: Meta, config: CaptionConfig, words: Vocabulary) -> _Row | InputError:
    if not _said(meta.center_tags, config, words).single:
        return InputError(f"{name}: {NOTHING_TO_SAY} in its center_tags.")
    return (
        image_path(name),
        single_caption(meta.center_tags, config, words),
        multi_caption(meta.center_tags, meta.surrounding_tags, config, words),
    )


class _Said(NamedTuple):
    """An object in words: tags joined as in the single caption, and as in the multi caption."""

    single: str
    multi: str


def _said(tags: Mapping[str, str], config: CaptionConfig, words: Vocabulary) -> _Said:
    """Say an object. Most objects come again and again, so the short ones are kept."""
    say = _say if len(tags) > _KEPT_TAGS else _say_again
    return say(tuple(tags.items()), config.tag_order, config.spelling, words)


def _say(
    given: tuple[tuple[str, str], ...], order: TagOrder, spelling: Spelling, words: Vocabulary
) -> _Said:
    tags = words.said(dict(given)) if spelling == "today" else list(given)
    if order == "most_frequent_first":
        tags = tag_vocab.most_frequent_first(tags)
    # A caption is one line: whatever counts as white space, line ends too, becomes one space.
    spoken = dict.fromkeys(" ".join(words.phrase(*tag).split()) for tag in tags)
    phrases = [said for said in spoken if said]
    first, *rest = phrases or [""]
    multi = f"{first} with {' and '.join(rest)}" if rest else first
    return _Said(", ".join(phrases), multi)


_say_again = functools.lru_cache(maxsize=1 << 13)(_say)


def _centers(meta: pa.Table) -> list[dict[str, str]]:
    return [dict(tags) for tags in meta["center_tags"].to_pylist()]


def _surroundings(meta: pa.Table) -> Iterator[list[dict[str, str]]]:
    """Give each row's neighbours' tags; only those are turned into Python values."""
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
