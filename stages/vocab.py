"""Vocab: looks up each tag of the run's objects in the vocabulary.

Objects keep all their tags. The table tells which tags are visible, and why the others are not;
later stages use it (`run_vocabulary`). A key that is never visible (a name, a date) gets one row
for all its values, so the table stays small even for a large extract.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import Field

import tag_vocab
from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.scratch import database, scratch
from pipeline.stage import ConfigFile, DatasetStage, StageConfig
from pipeline.storage import Place
from skyscript.vocabulary import own_labels, vocabulary
from stages import tables
from tag_vocab import OwnLabel
from tag_vocab.commands import plain
from tag_vocab.own import likely_meant
from tag_vocab.vocabulary import said_value

if TYPE_CHECKING:
    import duckdb

    from tag_vocab.classifier import Classifiers

Tag = tuple[str, str]

log = logging.getLogger("skyscript")

_MOST_WARNINGS = 10
"""Labels that match no object and are named."""

_CARRIED = """
    CREATE VIEW carried AS
    SELECT kind, unnest(map_keys(tags)) AS key, unnest(map_values(tags)) AS value
    FROM boxes WHERE status = 'ok'
"""
_TAGS = """
    WITH counted AS (
        SELECT key,
            IF(key IN (SELECT key FROM never)
                AND (key, value) NOT IN (SELECT (key, value) FROM own), $any, value) AS value,
            count(*) AS objects, string_agg(DISTINCT kind, '' ORDER BY kind) AS kinds
        FROM carried GROUP BY ALL
    )
    SELECT key, value, coalesce(objects, 0) AS objects, coalesce(kinds, '') AS kinds
    FROM counted FULL JOIN own USING (key, value) ORDER BY objects DESC, key, value
"""


class VocabConfig(StageConfig):
    """The method for tags that have no label and no rule, and the user's labels."""

    encoder: str | None = Field(
        None,
        description="Ask the classifiers about tags that the shipped vocabulary does not hold, "
        "with this encoder: minilm (extra vocab), or open_clip's text tower, as in "
        "ViT-L-14/openai. By default, the rule of the key decides.",
    )
    own_labels: ConfigFile | None = Field(
        None,
        description="Read a CSV file of labels that take precedence over the shipped ones. Its "
        "columns are tag (key=value, or key=* for any value), groundable (yes or no), max_gsd "
        "(metres a pixel) and, if wanted, phrase and reason. Set it at the top level, because "
        "extract uses the same key.",
    )
    shard_rows: int = Field(10_000, ge=1, description="Put this many tags in each part.")


def vocab(boxes: ds.Dataset, *, config: VocabConfig, root: Place) -> Iterator[pa.Table]:
    """List the distinct tags of the valid objects, most frequent first, each with its entry.

    All labels of the user are included, even if no object carries their tag. Raises `InputError` if
    the encoder's package is not installed, or if a label is invalid.
    """
    own = own_labels(config.own_labels)
    classifiers = _classifiers(config)
    unused: list[Tag] = []
    with scratch(root, "vocab") as folder, database(folder) as connection:
        for batch in _tags(connection, boxes, own, config.shard_rows):
            table = _answers(batch, own, classifiers)
            none = table.filter(pc.field("objects") == 0)
            unused += zip(none["key"].to_pylist(), none["value"].to_pylist(), strict=True)
            yield table
    _warn_of_unused(unused, config)


def _warn_of_unused(unused: list[Tag], config: VocabConfig) -> None:
    """Say which of the user's labels match no object, with the known tag that may be meant."""
    meant = {tag: hint for tag in unused if (hint := likely_meant(*tag))}
    for (key, value), hint in list(meant.items())[:_MOST_WARNINGS]:
        log.warning(
            "%s: no object has the labelled tag %s; did you mean %s?",
            config.own_labels,
            plain(f"{key}={value}"),
            plain(hint),
        )
    if len(meant) > _MOST_WARNINGS:
        log.warning("%d more labels match no object", len(meant) - _MOST_WARNINGS)


def _classifiers(config: VocabConfig) -> Classifiers | None:
    if config.encoder is None:
        return None
    from tag_vocab.classifier import Classifiers
    from tag_vocab.encoders import load

    try:
        return Classifiers(load(config.encoder))
    except ImportError as error:
        raise InputError(f"vocab.encoder: {error}, or leave vocab.encoder out") from error
    except ValueError as error:  # there is no such encoder
        raise InputError(f"vocab.encoder: {error}") from error


def _tags(
    connection: duckdb.DuckDBPyConnection, boxes: ds.Dataset, own: Collection[Tag], rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield key, value, objects and kinds, in batches of ``rows`` rows."""
    connection.register("boxes", boxes)
    connection.execute(_CARRIED)
    keys = connection.sql("SELECT DISTINCT key FROM carried").to_arrow_table()["key"].to_pylist()
    never = pa.array([key for key in keys if tag_vocab.never_visible(key)], pa.string())
    connection.register("never", pa.table({"key": never}))
    names, values = (pa.array([tag[place] for tag in own], pa.string()) for place in (0, 1))
    connection.register("own", pa.table({"key": names, "value": values}))
    yield from connection.sql(_TAGS, params={"any": tag_vocab.ANY}).to_arrow_reader(rows)


def _answers(
    batch: pa.RecordBatch, own: Mapping[Tag, OwnLabel], classifiers: Classifiers | None
) -> pa.Table:
    rows = batch.to_pylist()
    tags = [(row["key"], row["value"]) for row in rows]
    labels = {tag: label for tag in tags if (label := _label(own, *tag))}
    guesses = _guesses([tag for tag in tags if tag not in labels], classifiers)
    for tag, row in zip(tags, rows, strict=True):
        label = labels.get(tag)
        answer = label.entry if label else guesses.get(tag) or tag_vocab.look_up(*tag)
        row.update(answer._asdict(), **_name_and_phrase(*tag))
        if label and label.phrase:
            row["phrase"] = label.phrase
    return pa.Table.from_pylist(rows, schema=tables.VOCAB.schema)


def _label(own: Mapping[Tag, OwnLabel], key: str, value: str) -> OwnLabel | None:
    """Give the user's label of a tag, of its modern spelling, or of all values of its key."""
    today = tuple(tag_vocab.modernise({key: value}).items())
    asked = [(key, value), *(today if len(today) == 1 else ()), (key, tag_vocab.ANY)]
    return next((own[tag] for tag in asked if tag in own), None)


def _guesses(tags: list[Tag], classifiers: Classifiers | None) -> dict[Tag, tag_vocab.TagEntry]:
    """Ask the classifiers about the tags that neither the vocabulary nor a rule decides."""
    if classifiers is None:
        return {}
    asked = [
        tag
        for tag in tags
        if tag_vocab.needs_classifier(*tag) and tag_vocab.look_up(*tag).source in ("key", "default")
    ]
    return dict(zip(asked, map(tag_vocab.entry_of_guess, classifiers.guess(asked)), strict=True))


def _name_and_phrase(key: str, value: str) -> dict[str, str | None]:
    """Give the columns tag, phrase and current (today's spelling) of a tag."""
    name = key.replace("%", "%25").replace("=", "%3D")
    if value == tag_vocab.ANY:  # all values of a key
        return {"tag": f"{name}={value}", "phrase": None, "current": None}
    today = tag_vocab.modernise({key: value})
    return {
        "tag": f"{name}={value}",
        "phrase": tag_vocab.phrase(key, said_value(key, value)),
        "current": None
        if today == {key: value}
        else " + ".join(f"{new}={word}" for new, word in today.items()),
    }


def _external(config: VocabConfig) -> Mapping[str, str]:
    if config.own_labels is None:
        return vocabulary(config)
    own_labels(config.own_labels)  # raises before any work is done
    return {**vocabulary(config), "own labels": content_id(config.own_labels.read_bytes())}


VOCAB = DatasetStage(
    "vocab",
    vocab,
    VocabConfig,
    reads=(tables.BOXES,),
    writes=tables.VOCAB,
    external=_external,
    version=4,
)
