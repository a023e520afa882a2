"""Puts claims into words, as rows of the table ``statements``."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import shapely

from stages import tables
from stages.statements.choice import Chosen
from stages.statements.claims import NO_CONCEPT, Kind
from stages.statements.kinds.region import to_bins
from stages.statements.scenes import Scenes
from tag_vocab import Concept

_KEPT = 1 << 16
"""Claims whose words are kept: most of them recur."""


class _Words(NamedTuple):
    """A claim in words."""

    claim: str
    texts: tuple[str, ...]
    seconds: tuple[str | None, ...]


def to_rows(chosen: Chosen, scenes: Scenes, filepath: pa.ChunkedArray) -> pa.Table:
    """Give the rows of chosen claims, in their order."""
    kind, claims, draws = chosen
    images = claims.image.tolist()
    focus = [scenes.images[image] for image in images]
    said = _say_all(chosen, scenes)
    seconds, none = [second for _, second, _ in said], [None] * len(said)
    geometry = scenes.frames[claims.image]
    some = claims.sizes > 0
    of = (np.cumsum(some) - 1)[claims.of]
    geometry[some] = shapely.geometrycollections(scenes.geometry[claims.things], indices=of)
    box = shapely.bounds(geometry)
    bins = to_bins(scenes, claims.image, box).astype(np.int32)
    columns = {
        "statement_id": [
            f"{name}/{kind.name}/{draw:016x}"
            for name, draw in zip(focus, draws.tolist(), strict=True)
        ],
        "object_id": focus,
        "filepath": filepath.take(pa.array(claims.image)),
        "kind": [kind.name] * len(images),
        "role": [kind.role] * len(images),
        "text": [text for text, _, _ in said],
        "answer": seconds if kind.role == "question" else none,
        "true_text": seconds if kind.role == "negative" else none,
        "claim": [claim for _, _, claim in said],
        "rests_on": pa.ListArray.from_arrays(
            np.append(0, np.cumsum(claims.sizes)).astype(np.int32),
            pa.array(scenes.object_ids[claims.things], pa.string()),
        ),
        "geometry": shapely.to_wkb(geometry),
        "box": _lists(box),
        "bins": _lists(bins),
    }
    return pa.table(columns, schema=tables.STATEMENTS.schema)


def _say_all(chosen: Chosen, scenes: Scenes) -> list[tuple[str, str | None, str]]:
    """Give text, second text and claim of each."""
    kind, claims, draws = chosen
    concepts = scenes.concepts.all
    ways = (draws % np.uint64(len(kind.phrasings))).tolist()
    found = []
    rows = zip(claims.one.tolist(), claims.other.tolist(), claims.value.tolist(), ways, strict=True)
    for one, other, value, way in rows:
        about = tuple(concepts[each] for each in (one, other) if each != NO_CONCEPT)
        words = _say(kind, about, value)
        found.append((words.texts[way], words.seconds[way], words.claim))
    return found


@functools.lru_cache(maxsize=_KEPT)
def _say(kind: Kind, about: tuple[Concept, ...], value: int) -> _Words:
    claim, words = kind.say(about, value)
    texts = tuple(phrasing.format(**words) for phrasing in kind.phrasings)
    seconds = kind.seconds or (None,) * len(texts)
    return _Words(claim, texts, tuple(second and second.format(**words) for second in seconds))


def _lists(numbers: np.ndarray) -> pa.ListArray:
    ends = np.arange(0, numbers.size + 1, 4, dtype=np.int32)
    return pa.ListArray.from_arrays(ends, pa.array(numbers.ravel()))
