"""Chooses the tiles of the contact sheet at random, with as many different tags as possible."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.schema import STATUS_OK
from skyscript import chance

_OK = pc.field("status") == STATUS_OK
Tag = tuple[str, str]
Draw = tuple[float, str]
"""A random number and the object to which it belongs."""


@dataclass(frozen=True)
class Card:
    """A tile of the contact sheet."""

    filepath: str
    title: str


def read_cards(chosen: Sequence[str], captions: ds.Dataset) -> list[Card]:
    """Read the tiles of objects, in their order."""
    wanted = _OK & pc.field("object_id").isin(pa.array(list(chosen), pa.string()))
    rows = captions.to_table(["object_id", "filepath", "title"], filter=wanted).to_pylist()
    found = {row["object_id"]: Card(row["filepath"], row["title"]) for row in rows}
    return [found[name] for name in chosen if name in found]


def choose_objects(meta: ds.Dataset, seed: int, count: int) -> list[str]:
    """Choose up to ``count`` objects for the contact sheet, in its order.

    The order takes one value of each key in turn, until no key has another value.
    """
    best: dict[Tag, Draw] = {}
    rest: list[Draw] = []
    for draws in _draws(meta, seed):
        for tag, draw in draws:
            best[tag] = min(best.get(tag, draw), draw)
        rest = heapq.nsmallest(2 * count, itertools.chain(rest, (draw for _, draw in draws)))
    by_key: dict[str, list[Draw]] = {}
    for (key, _), draw in best.items():
        by_key.setdefault(key, []).append(draw)
    queues = [sorted(queue) for _, queue in sorted(by_key.items())]
    queues.sort(key=len, reverse=True)
    rounds = itertools.chain.from_iterable(itertools.zip_longest(*queues))
    spread = [draw[1] for draw in rounds if draw is not None]
    return list(dict.fromkeys([*spread, *(name for _, name in rest)]))[:count]


def _draws(meta: ds.Dataset, seed: int) -> Iterator[list[tuple[Tag, Draw]]]:
    """Yield each image's first tag and its draw, batch by batch."""
    for batch in meta.to_batches(columns=["object_id", "center_tags"], filter=_OK):
        tags = batch.column("center_tags")
        keys, values = tags.keys.to_pylist(), tags.items.to_pylist()
        starts = tags.offsets.to_pylist()
        yield [
            ((keys[start], values[start]), (chance.uniform(seed, name, "gallery"), name))
            for name, start, end in zip(
                batch.column("object_id").to_pylist(), starts, starts[1:], strict=False
            )
            if end > start
        ]
