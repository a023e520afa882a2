"""Writes the captions of a run again, from the records of its pairs alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from skyscript.captions.config import DEFAULT, CaptionConfig
from skyscript.captions.pickles import Row, write_rows
from skyscript.captions.readable import Neighbour, ReadableStyle
from skyscript.captions.rule import NOTHING_TO_SAY, phrases_of, surrounded
from skyscript.files.records import read_records
from skyscript.vocabulary import labelled_vocabulary
from tag_vocab import Vocabulary

_COLUMNS = ["filepath", "object_id", "center_tags", "surrounding"]


def caption_records(
    records: Path,
    out: Path,
    config: CaptionConfig = DEFAULT,
    own_labels: Path | None = None,
) -> int:
    """Write the caption CSV of a run's records, in the order of the run; give its number of rows.

    ``records`` is a run folder or its folder ``tables/pairs``; no other table is read. Raises as
    `caption_pickles` does.
    """
    words = labelled_vocabulary(own_labels)
    style = ReadableStyle(config, words)
    rows = (
        (record["filepath"], _row(record, config, words, style))
        for record in read_records(records, _COLUMNS)
    )
    return write_rows(rows, out)


def _row(
    record: Mapping[str, Any], config: CaptionConfig, words: Vocabulary, style: ReadableStyle
) -> Row | InputError:
    center, around = tuple(record["center_tags"]), record["surrounding"]
    if config.style == "published":
        focus = phrases_of(dict(center), config, words)
        others = (phrases_of(dict(one["tags"]), config, words).multi for one in around)
        if focus.single:
            return (
                record["filepath"],
                config.prefix + focus.single,
                surrounded(focus.multi, others, config),
            )
    else:
        near = (Neighbour(tuple(one["tags"]), one["object_id"][0], one["share"]) for one in around)
        if made := style.captions(center, record["object_id"][0], near):
            return record["filepath"], made.title, made.title_multi_objects
    return InputError(f"{record['filepath']}: {NOTHING_TO_SAY} in its center_tags.")
