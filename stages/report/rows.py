"""The data of the gallery: what it searches, what it shows of a pair, and the files of both."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.parquet_files import read_part
from pipeline.schema import STATUS_OK
from skyscript import chance
from skyscript.files.names import IMAGE_SUFFIX
from skyscript.geo.tile import Box
from skyscript.osm.tags import Tags
from stages.report.config import ReportConfig
from stages.report.details import detail
from stages.report.drawings import draw_objects
from stages.report.lost import Lost, lost_of, lost_parts
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
DROPPED, _NOT_FILTERED = "dropped by the filter", "not filtered"
_NUMBER = re.compile(r"[0-9]+([.,e+-]*[0-9]+)*")


class Gallery:
    """The rows of the gallery: the pairs, then objects without one; filled, then packed."""

    def __init__(self, *, has_filter: bool, in_tars: bool) -> None:
        """Say whether the run has filtered files: a pair in none of them was dropped.

        The explorer shows the images of the run, or copies in its own folder if the run stores them
        in tars.
        """
        self._images = "" if in_tars else "../"
        self._no_split = DROPPED if has_filter else _NOT_FILTERED
        self._names: list[str] = []
        self._columns: dict[str, list[Any]] = {}
        self._titles: dict[str, int] = {}
        self._words, self._facets = Index(), Index()
        self.pairs = 0

    def __len__(self) -> int:
        return len(self._names)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row of the table ``pairs``."""
        self.pairs += 1
        texts = {
            "folder": str(PurePosixPath(row["filepath"]).parent),
            "source": row["source"],
            "year": str(row["acquired"].year),
            "fate": row["split"] or self._no_split,
            "why": _kind_of(row["not_kept"] or ""),
        }
        values = {name: row[name] for name in _NUMBERS}
        self._append(row["image_name"], row["title"], values | texts, Box.of(row))
        self._words.add(len(self) - 1, _words(row))
        self._facets.add(len(self) - 1, _facets(row))

    def add_lost(self, one: Lost) -> None:
        """Add an object without a pair; all pairs must be there."""
        texts = {
            "folder": str(PurePosixPath(one.filepath).parent) if one.filepath else "",
            "source": one.source or "",
            "year": "",
            "fate": one.fate,
            "why": _kind_of(one.reason),
        }
        values = dict.fromkeys(_NUMBERS) | {"gsd": one.gsd}
        self._append(one.name, one.title, values | texts, one.box)
        tags = {tag_word(key, value) for key, value in one.tags}
        spoken = (_words_of_text(text) for pair in one.tags for text in pair)
        words = tags.union((one.object_id,), _words_of_text(one.reason), *spoken)
        self._words.add(len(self) - 1, words)
        concepts = _concepts(tuple(one.tags), one.object_id[0])
        self._facets.add(len(self) - 1, {f"{_CONCEPT}{name}" for name in concepts})

    def _append(self, name: str, title: str, values: Mapping[str, Any], box: Box) -> None:
        west, south, east, north = box
        self._names.append(name)
        places = {
            "lon": (west + east) / 2,
            "lat": (south + north) / 2,
            "half_lon": (east - west) / 2,
            "half_lat": (north - south) / 2,
        }
        of = self._titles.setdefault(title, len(self._titles))
        for column, value in {**values, **places, "title": of}.items():
            self._columns.setdefault(column, []).append(value)

    def filepaths(self) -> set[str]:
        """Give the paths of the images."""
        folders = self._columns.get("folder", ())
        rows = zip(folders, self._names, strict=True)
        return {f"{folder}/{name}{IMAGE_SUFFIX}" for folder, name in rows if folder}

    def concepts(self) -> list[tuple[str, int]]:
        """Give the concepts of the pairs by frequency."""
        found = [
            (word.removeprefix(_CONCEPT), count)
            for word, count in self._facets.counts(self.pairs).items()
            if count and word.startswith(_CONCEPT)
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
        yield "facets", script("facets", self._facets.packed(self.pairs))
        yield "words", script("words", self._words.packed(self.pairs))

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
            "pairs": self.pairs,
            "details": DETAILS,
            "images": self._images,
            "names": "\n".join(self._names),
            "numbers": {name: numbers(columns.get(name, ())) for name in (*_NUMBERS, *places)},
            "choices": {
                name: choices(columns.get(name, ()))
                for name in ("folder", "source", "year", "fate", "why")
            },
            "orders": orders,
        }


_CONCEPT, _FILE = "concept:", "file:"


def _words(row: Mapping[str, Any]) -> set[str]:
    words = _words_of_text(row["title"]) | _words_of_text(row["title_multi_objects"] or "")
    tags = {tag_word(key, value) for key, value in row["center_tags"]}
    statements = (
        _words_of_text(one["text"])
        for one in row["statements"] or ()
        if one["role"] == "statement"  # a negative or a question may name what is not there
    )
    return words.union(tags, (row["object_id"],), *statements)


_words_of_text = lru_cache(maxsize=1 << 14)(words_of)


def _facets(row: Mapping[str, Any]) -> set[str]:
    concepts = _concepts(tuple(row["center_tags"]), row["object_id"][0])
    files = (f"{_FILE}{place['file']}" for place in row["files"])
    return {*(f"{_CONCEPT}{name}" for name in concepts), *files}


@lru_cache(maxsize=1 << 14)
def _concepts(tags: Tags, kind: str) -> tuple[str, ...]:
    return tuple(one.name for one in concepts_of(dict(tags), cast(Kind, kind)))


def _kind_of(reason: str) -> str:
    """Give a reason without its numbers: many tiles share it."""
    return _NUMBER.sub("…", reason)


def fill(
    gallery: Gallery, given: Mapping[str, ds.Dataset], config: ReportConfig
) -> Iterator[tuple[str, bytes]]:
    """Fill the gallery with the pairs and with the objects without one, as the config limits them.

    Yields the files of details: their names and content. Memory holds a part of each table.
    """
    details = itertools.chain(_pairs(gallery, given, config), _lost(gallery, given, config))
    for number in itertools.count():
        if not (batch := list(itertools.islice(details, DETAILS))):
            return
        yield f"details-{number:05}", script(f"details-{number}", batch)


def _pairs(
    gallery: Gallery, given: Mapping[str, ds.Dataset], config: ReportConfig
) -> Iterator[dict[str, Any]]:
    """Add the pairs, or as many of them as asked for, drawn at random; yield their details."""
    pairs = given["pairs"]
    limit = _limit(pairs.scanner(["image_name"]), config.gallery, config.seed)
    for fragment in pairs.get_fragments():
        rows = _drawn(read_part(fragment, pairs.schema), "image_name", limit, config.seed)
        for row, drawings in zip(rows, draw_objects(rows, given["objects"]), strict=True):
            gallery.add(row)
            yield detail(row, drawings)


def _lost(
    gallery: Gallery, given: Mapping[str, ds.Dataset], config: ReportConfig
) -> Iterator[dict[str, Any]]:
    """Do the same with the objects without a pair."""
    most = min(config.dropped, config.gallery)
    ids = given["captions"].scanner(["object_id"], filter=pc.field("status") != STATUS_OK)
    limit = _limit(ids, most, config.seed)
    for part in lost_parts(given):
        for row in _drawn(part, "focus.object_id", limit, config.seed):
            one = lost_of(row)
            gallery.add_lost(one)
            yield one.detail()


def _limit(names: ds.Scanner, most: int, seed: int) -> float:
    """Give the draw up to which ``most`` rows are chosen; infinite if all are."""
    if names.count_rows() <= most:
        return float("inf")
    lowest = np.array([], np.float64)
    for batch in names.to_batches():
        lowest = np.concatenate([lowest, _draws(batch.column(0), seed)])
        if len(lowest) > most:
            lowest = np.partition(lowest, most - 1)[:most]
    return float(lowest.max(initial=-1.0))


def _draws(names: pa.Array | pa.ChunkedArray, seed: int) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = chance.uniforms(seed, names.to_pylist(), "explorer")
    return found


def _drawn(table: pa.Table, name: str, limit: float, seed: int) -> list[dict[str, Any]]:
    if limit < float("inf"):
        table = table.filter(pa.array(_draws(table[name], seed) <= limit))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
