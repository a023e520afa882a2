"""The counts of a census: in memory up to a limit, then in scratch files, which DuckDB adds up.

Values of a key are counted one by one only if the vocabulary calls some value of the key visible.
All other keys (name, ref, addr:*, …) hold free text, or nothing to see: they are counted by key
alone, under the value ``*``.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa

import tag_vocab
from pipeline.scratch import ScratchParquet, view
from skyscript.osm.places import Thing
from skyscript.osm.underground import hidden_from_above
from tag_vocab import ANY, OwnLabel, Vocabulary

if TYPE_CHECKING:
    import duckdb

MOST = 500_000
"""Counts in memory before they are written."""
NO_KEY = "no key of the vocabulary"
COUNTED, REJECTED, NOT_WANTED = "counted", "rejected", "not wanted"
"""What becomes of an object that was read."""

_TAGS = pa.schema(
    [(name, pa.string()) for name in ("key", "value", "kind")] + [("objects", pa.int64())]
)
_CELLS = pa.schema(
    [
        ("x", pa.int32()),
        ("y", pa.int32()),
        ("kind", pa.string()),
        ("max_gsd", pa.float64()),  # of the objects, in metres; 0 if they are not visible
        ("objects", pa.int64()),
    ]
)


class Counts:
    """Takes objects one by one; ``totals`` says what became of each that was read."""

    def __init__(
        self, folder: Path, words: Vocabulary, own: dict[tuple[str, str], OwnLabel], cell: float
    ) -> None:
        self.totals: Counter[tuple[str, str, str]] = Counter()
        """By type of object, what became of it, and the reason."""
        self._words, self._cell = words, cell
        visible = {key for (key, _), label in own.items() if label.entry.groundable}
        self._wanted = tag_vocab.groundable_keys() | visible
        self._tags: Counter[tuple[str, str, str]] = Counter()
        self._cells: Counter[tuple[int, int, str, float]] = Counter()
        self._tags_file = ScratchParquet(folder / "tags.parquet", _TAGS)
        self._cells_file = ScratchParquet(folder / "cells.parquet", _CELLS)
        self._by_key_alone = lru_cache(1 << 16)(lambda key: key not in self._wanted)

    def add(self, thing: Thing) -> None:
        """Count an object that has tags."""
        if self._wanted.isdisjoint(thing.tags) and thing.tags:
            self.totals[thing.type, NOT_WANTED, NO_KEY] += 1
            return
        if thing.reason is not None:
            self.totals[thing.type, REJECTED, thing.reason] += 1
            return
        self.totals[thing.type, COUNTED, ""] += 1
        for key, value in thing.tags.items():
            self._tags[key, ANY if self._by_key_alone(key) else value, thing.kind] += 1
        if thing.place is not None:
            x, y = (math.floor(degrees / self._cell) for degrees in thing.place)
            self._cells[x, y, thing.kind, self._max_gsd(thing)] += 1
        if len(self._tags) + len(self._cells) > MOST:
            self._flush()

    def _max_gsd(self, thing: Thing) -> float:
        return 0.0 if hidden_from_above(thing.tags) else self._words.max_gsd(thing.tags) or 0.0

    def _flush(self) -> None:
        for counts, file, schema in (
            (self._tags, self._tags_file, _TAGS),
            (self._cells, self._cells_file, _CELLS),
        ):
            keys = zip(*counts, strict=True) if counts else ([],) * (len(schema) - 1)
            columns = [*map(list, keys), list(counts.values())]
            arrays = (pa.array(c, f.type) for c, f in zip(columns, schema, strict=True))
            file.write(dict(zip(schema.names, arrays, strict=True)))
            counts.clear()

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the counts available to queries as the views ``tags`` and ``cells``."""
        for name, file in (("tags", self._tags_file), ("cells", self._cells_file)):
            view(connection, name, file.path)

    def __enter__(self) -> Self:
        """Enter the context; the files are open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write the last counts, unless there was an error, and finish the files."""
        with self._tags_file, self._cells_file:
            if error is None:
                self._flush()
