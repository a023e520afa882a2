"""The data of the gallery: what it searches, what it shows of a pair, and the files of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds

from skyscript import chance
from skyscript.files.names import IMAGE_SUFFIX
from skyscript.geo.tile import Box
from skyscript.osm.tags import Tags
from stages.report.details import detail
from stages.report.drawings import draw_objects
from stages.report.packing import (
    Index,
    choices,
    floats,
    numbers,
    order_of,
    packed,
    script,
    tag_word,
    words_of,
)
from tag_vocab import concepts_of
from tag_vocab.concepts_of import Kind

DETAILS = 200
"""Pairs in a file of details: the explorer loads the file when one of them is opened."""
_NUMBERS = ("similarity", "similarity_multi_objects", "normalised", "match", "gsd")
_DROPPED, _NOT_FILTERED = "dropped", "not filtered"


class Gallery:
    """The pairs of the gallery: filled part by part, then packed."""

    def __init__(self, *, has_filter: bool, in_tars: bool) -> None:
        """Say whether the run has filtered files: a pair in none of them was dropped.

        The explorer shows the images of the run, or copies in its own folder if they lie in tars.
        """
        self._images = "" if in_tars else "../"
        self._no_split = _DROPPED if has_filter else _NOT_FILTERED
        self._names: list[str] = []
        self._columns: dict[str, list[Any]] = {}
        self._titles: dict[str, int] = {}
        self._words, self._facets = Index(), Index()

    def __len__(self) -> int:
        return len(self._names)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row of the table ``pairs``."""
        number = len(self._names)
        self._names.append(row["image_name"])
        west, south, east, north = Box.of(row)
        values = {name: row[name] for name in _NUMBERS} | {
            "lon": (west + east) / 2,
            "lat": (south + north) / 2,
            "half_lon": (east - west) / 2,
            "half_lat": (north - south) / 2,
            "folder": str(PurePosixPath(row["filepath"]).parent),
            "source": row["source"],
            "year": str(row["acquired"].year),
            "fate": row["split"] or self._no_split,
            "title": self._titles.setdefault(row["title"], len(self._titles)),
        }
        for name, value in values.items():
            self._columns.setdefault(name, []).append(value)
        self._words.add(number, _words(row))
        self._facets.add(number, _facets(row))

    def filepaths(self) -> set[str]:
        """Give the paths of the images."""
        folders = self._columns.get("folder", ())
        pairs = zip(folders, self._names, strict=True)
        return {f"{folder}/{name}{IMAGE_SUFFIX}" for folder, name in pairs}

    def concepts(self) -> list[tuple[str, int]]:
        """Give the concepts by frequency."""
        found = [
            (word.removeprefix(_CONCEPT), count)
            for word, count in self._facets.counts().items()
            if word.startswith(_CONCEPT)
        ]
        return sorted(found, key=lambda one: (-one[1], one[0]))

    def scripts(self, seed: int) -> Iterator[tuple[str, bytes]]:
        """Yield the files that the explorer loads at its start: their names and content."""
        columns = self._columns
        yield "columns", script("columns", self._packed_columns(seed))
        titles = {
            "texts": list(self._titles),
            "of": packed(np.array(columns.get("title", ()), np.uint32)),
        }
        yield "titles", script("titles", titles)
        yield "facets", script("facets", self._facets.packed())
        yield "words", script("words", self._words.packed())

    def _packed_columns(self, seed: int) -> dict[str, Any]:
        columns = self._columns
        places = ("lon", "lat", "half_lon", "half_lat")
        orders = {"mixed": order_of(chance.uniforms(seed, self._names, "gallery"))}
        for name in _NUMBERS:
            values = floats(columns.get(name, ()))
            if not np.isnan(values).all():
                orders[name] = order_of(values)
        return {
            "rows": len(self),
            "details": DETAILS,
            "images": self._images,
            "names": "\n".join(self._names),
            "numbers": {name: numbers(columns.get(name, ())) for name in (*_NUMBERS, *places)},
            "choices": {
                name: choices(columns.get(name, ()))
                for name in ("folder", "source", "year", "fate")
            },
            "orders": orders,
        }


_CONCEPT, _FILE = "concept:", "file:"


def _words(row: Mapping[str, Any]) -> set[str]:
    words = _words_of_text(row["title"]) | _words_of_text(row["title_multi_objects"] or "")
    tags = {tag_word(key, value) for key, value in row["center_tags"]}
    statements = (_words_of_text(one["text"]) for one in row["statements"] or ())
    return words.union(tags, (row["object_id"],), *statements)


_words_of_text = lru_cache(maxsize=1 << 14)(words_of)


def _facets(row: Mapping[str, Any]) -> set[str]:
    concepts = _concepts(tuple(row["center_tags"]), row["object_id"][0])
    files = (f"{_FILE}{place['file']}" for place in row["files"])
    return {*(f"{_CONCEPT}{name}" for name in concepts), *files}


@lru_cache(maxsize=1 << 14)
def _concepts(tags: Tags, kind: str) -> tuple[str, ...]:
    return tuple(one.name for one in concepts_of(dict(tags), cast(Kind, kind)))


def fill(
    gallery: Gallery, pairs: ds.Dataset, objects: ds.Dataset, most: int, seed: int
) -> Iterator[tuple[str, bytes]]:
    """Fill the gallery with the pairs, or with ``most`` of them drawn at random.

    Yields the files of details: their names and content. Memory holds a part of the table.
    """
    limit = _limit(pairs, most, seed)
    pending: list[dict[str, Any]] = []
    written = 0
    for fragment in pairs.get_fragments():
        rows = _drawn(fragment.to_table(schema=pairs.schema), limit, seed).to_pylist()
        for row, drawings in zip(rows, draw_objects(rows, objects), strict=True):
            gallery.add(row)
            pending.append(detail(row, drawings))
            if len(pending) == DETAILS:
                yield f"details-{written:05}", script(f"details-{written}", pending)
                pending, written = [], written + 1
    if pending:
        yield f"details-{written:05}", script(f"details-{written}", pending)


def _limit(pairs: ds.Dataset, most: int, seed: int) -> float:
    """Give the draw up to which ``most`` pairs are chosen; infinite if all are."""
    if pairs.count_rows() <= most:
        return float("inf")
    lowest = np.array([], np.float64)
    for batch in pairs.to_batches(columns=["image_name"]):
        lowest = np.concatenate([lowest, _draws(batch.column(0), seed)])
        if len(lowest) > most:
            lowest = np.partition(lowest, most - 1)[:most]
    return float(lowest.max(initial=-1.0))


def _draws(names: pa.Array | pa.ChunkedArray, seed: int) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = chance.uniforms(seed, names.to_pylist(), "explorer")
    return found


def _drawn(table: pa.Table, limit: float, seed: int) -> pa.Table:
    if limit == float("inf"):
        return table
    return table.filter(pa.array(_draws(table["image_name"], seed) <= limit))
