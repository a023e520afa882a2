"""Vocab: what the vocabulary says of each tag that the run's objects carry.

Objects keep all their tags; this table says which of them can be seen and why the others cannot. A
key of which nothing shows (a name, a date) gets one row for all its values, so the table stays
small however large the extract is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

import tag_vocab
from pipeline.errors import InputError
from pipeline.stage import DatasetStage, StageConfig
from stages import tables
from stages.scratch import database, scratch

if TYPE_CHECKING:
    import duckdb

    from tag_vocab.classifier import Classifiers

_CARRIED = """
    CREATE VIEW carried AS
    SELECT kind, unnest(map_keys(tags)) AS key, unnest(map_values(tags)) AS value
    FROM objects WHERE status = 'ok'
"""
_TAGS = """
    SELECT key, IF(key IN (SELECT key FROM never), $any, value) AS value,
        count(*) AS objects, string_agg(DISTINCT kind, '' ORDER BY kind) AS kinds
    FROM carried GROUP BY ALL ORDER BY objects DESC, key, value
"""


class VocabConfig(StageConfig):
    """What judges a tag that nobody judged by hand."""

    encoder: str | None = Field(
        None,
        description="Asks the classifiers about tags that the shipped vocabulary does not hold: "
        "minilm (extra vocab), or open_clip's text tower as ViT-L-14/openai. None: the rule of "
        "the key decides.",
    )
    shard_rows: int = Field(10_000, ge=1, description="Tags in a part.")


def vocab(objects: ds.Dataset, *, config: VocabConfig, root: Path) -> Iterator[pa.Table]:
    """Give every tag of the objects that are ok, the most frequent first, with its answer.

    Raises `InputError` where the encoder's package is not installed.
    """
    classifiers = _classifiers(config)
    with scratch(root, "vocab") as folder, database(folder) as connection:
        for batch in _tags(connection, objects, config.shard_rows):
            yield _answers(batch, classifiers)


def _classifiers(config: VocabConfig) -> Classifiers | None:
    if config.encoder is None:
        return None
    from tag_vocab.classifier import Classifiers
    from tag_vocab.encoders import load

    try:
        return Classifiers(load(config.encoder))
    except ImportError as error:
        raise InputError(f"vocab.encoder: {error}, or leave vocab.encoder out") from error


def _tags(
    connection: duckdb.DuckDBPyConnection, objects: ds.Dataset, rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield key, value, objects and kinds, in parts of so many rows."""
    connection.register("objects", objects)
    connection.execute(_CARRIED)
    keys = connection.sql("SELECT DISTINCT key FROM carried").to_arrow_table()["key"].to_pylist()
    never = pa.array([key for key in keys if tag_vocab.never_visible(key)], pa.string())
    connection.register("never", pa.table({"key": never}))
    found = connection.sql(_TAGS, params={"any": tag_vocab.ANY}).to_arrow_reader(rows)
    yield from found


def _answers(batch: pa.RecordBatch, classifiers: Classifiers | None) -> pa.Table:
    rows = batch.to_pylist()
    guesses = _guesses([(row["key"], row["value"]) for row in rows], classifiers)
    for row in rows:
        tag = row["key"], row["value"]
        answer = guesses.get(tag) or tag_vocab.look_up(*tag)
        row.update(answer._asdict(), **_said(*tag))
    return pa.Table.from_pylist(rows, schema=tables.VOCAB.schema)


def _guesses(
    tags: list[tuple[str, str]], classifiers: Classifiers | None
) -> dict[tuple[str, str], tag_vocab.TagEntry]:
    """Ask the classifiers about the tags that neither the vocabulary nor a rule decides."""
    if classifiers is None:
        return {}
    asked = [
        tag
        for tag in tags
        if tag_vocab.is_open(*tag) and tag_vocab.look_up(*tag).source in ("key", "default")
    ]
    return dict(zip(asked, map(tag_vocab.guessed, classifiers.guess(asked)), strict=True))


def _said(key: str, value: str) -> dict[str, str | None]:
    """Give a tag's name in the table, its phrase and its spelling today."""
    name = key.replace("%", "%25").replace("=", "%3D")
    if value == tag_vocab.ANY and tag_vocab.never_visible(key):
        return {"tag": f"{name}={value}", "phrase": None, "current": None}
    today = tag_vocab.current({key: value})
    return {
        "tag": f"{name}={value}",
        "phrase": tag_vocab.phrase(key, value),
        "current": None
        if today == {key: value}
        else " + ".join(f"{new}={word}" for new, word in today.items()),
    }


def _external(_: Any) -> Mapping[str, str]:  # noqa: ANN401 - the stage's config
    return {"vocabulary": tag_vocab.content_id()}


VOCAB = DatasetStage(
    "vocab",
    vocab,
    VocabConfig,
    reads=(tables.OBJECTS,),
    writes=tables.VOCAB,
    external=_external,
)
