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
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

import tag_vocab
from pipeline.scratch import ScratchParquet, view
from skyscript.osm.places import Thing
from skyscript.osm.underground import HIDING, hidden_from_above
from tag_vocab import ANY, OwnLabel, Vocabulary
from tag_vocab.deprecated import replaced_keys

if TYPE_CHECKING:
    import duckdb

MOST = 200_000
"""Counts in memory before they are written."""

Combination = tuple[tuple[str, str], ...]
"""Tags, with ``*`` for free text."""
NO_KEY = "no key of the vocabulary"
COUNTED, REJECTED, NOT_WANTED = "counted", "rejected", "not wanted"
"""The three outcomes for an object that was read."""

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
    """Takes objects one by one; ``totals`` says what became of each that was read.

    Objects whose tags differ only in free text are counted together, so that each combination of
    tags is looked up once.
    """

    def __init__(
        self, folder: Path, words: Vocabulary, own: dict[tuple[str, str], OwnLabel], cell: float
    ) -> None:
        self.totals: Counter[tuple[str, str, str]] = Counter()
        """By type of object, what became of it, and the reason."""
        self._words, self._cell = words, cell
        visible = {key for (key, _), label in own.items() if label.entry.groundable}
        self._wanted = tag_vocab.groundable_keys() | visible
        self._combinations: Counter[tuple[str, Combination]] = Counter()
        self._cells: Counter[tuple[int, int, str, float]] = Counter()
        self._tags_file = ScratchParquet(folder / "tags.parquet", _TAGS)
        self._cells_file = ScratchParquet(folder / "cells.parquet", _CELLS)
        self._is_text = lru_cache(1 << 16)(self._ask_text)
        self._max_gsd = lru_cache(1 << 17)(self._ask_max_gsd)

    def _ask_text(self, key: str) -> bool:
        """Tell whether the value of a key decides nothing."""
        decides = self._wanted | HIDING | replaced_keys()
        return key not in decides and tag_vocab.never_visible(key)

    def _ask_max_gsd(self, tags: Combination) -> float:
        every = dict(tags)
        return 0.0 if hidden_from_above(every) else self._words.max_gsd(every) or 0.0

    def add(self, thing: Thing) -> None:
        """Count an object that has tags."""
        if self._wanted.isdisjoint(thing.tags) and thing.tags:
            self.totals[thing.type, NOT_WANTED, NO_KEY] += 1
            return
        if thing.reason is not None:
            self.totals[thing.type, REJECTED, thing.reason] += 1
            return
        self.totals[thing.type, COUNTED, ""] += 1
        is_text = self._is_text
        tags = tuple([(key, ANY) if is_text(key) else (key, v) for key, v in thing.tags.items()])
        self._combinations[thing.kind, tags] += 1
        if thing.place is not None:
            lon, lat = thing.place
            x, y = math.floor(lon / self._cell), math.floor(lat / self._cell)
            self._cells[x, y, thing.kind, self._max_gsd(tags)] += 1
        if len(self._combinations) + len(self._cells) > MOST:
            self._flush()

    def _flush(self) -> None:
        tags: Counter[tuple[str, str, str]] = Counter()
        for (kind, combination), number in self._combinations.items():
            for key, value in combination:
                tags[key, value if key in self._wanted else ANY, kind] += number
        _write(tags, self._tags_file, _TAGS)
        _write(self._cells, self._cells_file, _CELLS)
        self._combinations.clear()
        self._cells.clear()

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


def _write(counts: Counter[Any], file: ScratchParquet, schema: pa.Schema) -> None:
    keys = zip(*counts, strict=True) if counts else ([],) * (len(schema) - 1)
    columns = [*map(list, keys), list(counts.values())]
    arrays = (pa.array(c, f.type) for c, f in zip(columns, schema, strict=True))
    file.write(dict(zip(schema.names, arrays, strict=True)))
