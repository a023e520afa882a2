"""Puts claims into words, as rows of the table ``statements``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from stages import tables
from stages.statements.bins import to_bins
from stages.statements.choice import Chosen
from stages.statements.claims import VALUE, Claims, Kind
from stages.statements.scenes import Floats, Ints, Scenes
from tag_vocab import Concept

_KEPT = 1 << 13
"""Claims of a kind whose words are kept: most of them recur."""
_COLLECTION = np.array([("\x01", 7, 0)], [("order", "S1"), ("type", "<u4"), ("parts", "<u4")])
"""The beginning of a geometry collection in WKB; its parts follow."""


class _Words(NamedTuple):
    """A claim in words."""

    claim: str
    texts: tuple[str, ...]
    seconds: tuple[str | None, ...]


def to_rows(chosen: Sequence[Chosen], scenes: Scenes, filepath: pa.ChunkedArray) -> pa.Table:
    """Give the rows of the chosen claims of all kinds: those of an image together."""
    every = Claims.join([one.claims for one in chosen])
    order = np.argsort(every.image, kind="stable")
    claims = every.take(order)
    sizes = [len(one.draws) for one in chosen]
    kinds = np.repeat(np.arange(len(chosen)), sizes)[order]
    draws = np.concatenate([one.draws for one in chosen])[order]
    text, second, claim = (
        pa.chunked_array(parts, pa.string()).take(pa.array(order))
        for parts in zip(*(_say_all(one, scenes) for one in chosen), strict=True)
    )
    names, roles = (
        pa.array([getattr(one.kind, of) for one in chosen], pa.string()).take(pa.array(kinds))
        for of in ("name", "role")
    )
    focus = pa.array(scenes.images, pa.string()).take(pa.array(claims.image))
    box = _boxes(claims, scenes)
    columns = {
        "statement_id": pc.binary_join_element_wise(focus, names, _hex(draws), "/"),
        "object_id": focus,
        "filepath": filepath.take(pa.array(claims.image)),
        "kind": names,
        "role": roles,
        "text": text,
        "answer": pc.if_else(pc.equal(roles, "question"), second, None),
        "true_text": pc.if_else(pc.equal(roles, "negative"), second, None),
        "claim": claim,
        "rests_on": pa.ListArray.from_arrays(
            np.append(0, np.cumsum(claims.sizes)).astype(np.int32),
            scenes.object_ids.take(pa.array(claims.things)),
        ),
        "geometry": _geometries(claims, scenes),
        "box": _lists(box),
        "bins": _lists(to_bins(scenes, claims.image, box).astype(np.int32)),
    }
    return pa.table(columns, schema=tables.STATEMENTS.schema)


def _say_all(chosen: Chosen, scenes: Scenes) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Give text, second text and claim of each; each distinct claim is put into words once."""
    kind, claims, draws = chosen
    value = claims.value if kind.texts is None else np.zeros(len(draws), np.int64)
    first, of = _distinct(claims.one, claims.other, value)
    said = _say_each(kind, scenes, *(each[first] for each in (claims.one, claims.other, value)))
    ways = len(kind.phrasings)
    way = pa.array(of * ways + (draws % np.uint64(ways)).astype(np.int64))
    claims_said, texts_said, seconds_said = zip(*said, strict=True) if said else ((), (), ())
    texts, seconds = (
        pa.array(itertools.chain.from_iterable(parts), pa.string()).take(way)
        for parts in (texts_said, seconds_said)
    )
    claim = pa.array(claims_said, pa.string()).take(pa.array(of))
    if kind.texts is None:
        return texts, seconds, claim
    values = kind.texts(claims.value)
    return _fill(texts, values), _fill(seconds, values), _fill(claim, values)


def _fill(texts: pa.StringArray, values: pa.StringArray) -> pa.StringArray:
    """Put values in their place in texts."""
    return pc.binary_join(pc.split_pattern(texts, VALUE), values)


def _distinct(*columns: Ints) -> tuple[Ints, Ints]:
    """Give the first of each distinct row of some columns, and for each row the number of its."""
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, number = np.unique(column, return_inverse=True)
        key = np.unique(key, return_inverse=True)[1] * len(values) + number
    _, first, of = np.unique(key, return_index=True, return_inverse=True)
    return first, of


_SAID: dict[str, dict[tuple[str | None, str | None, int], _Words]] = {}
"""By the name of a kind, then by the names of the concepts and the value."""


def _say_each(kind: Kind, scenes: Scenes, one: Ints, other: Ints, value: Ints) -> list[_Words]:
    """Give the words of claims; those of the claims of earlier shards are known."""
    concepts: list[Concept | None] = [*scenes.concepts.all, None]  # the last is `NO_CONCEPT`
    names = np.array([one and one.name for one in concepts], np.object_)
    known = _SAID.setdefault(kind.name, {})
    keys = list(zip(names[one].tolist(), names[other].tolist(), value.tolist(), strict=True))
    if len(known) + sum(key not in known for key in keys) > _KEPT:
        known.clear()
    for place, key in enumerate(keys):
        if key not in known:
            about = [concepts[each[place]] for each in (one, other)]
            known[key] = _say(kind, [each for each in about if each], key[2])
    return [known[key] for key in keys]


def _say(kind: Kind, about: Sequence[Concept], value: int) -> _Words:
    claim, words = kind.say(about, value)
    texts = tuple(phrasing.format(**words) for phrasing in kind.phrasings)
    seconds = kind.seconds or (None,) * len(texts)
    return _Words(claim, texts, tuple(one and one.format(**words) for one in seconds))


def _boxes(claims: Claims, scenes: Scenes) -> Floats:
    """Give the box of the things of each claim; that of the image if it rests on none."""
    box: Floats = scenes.sides[claims.image] * np.array([0.0, 0.0, 1.0, 1.0])
    some = claims.sizes > 0
    starts = (np.cumsum(claims.sizes) - claims.sizes)[some]
    of = scenes.box[claims.things]
    if len(starts):
        box[some, :2] = np.minimum.reduceat(of[:, :2], starts)
        box[some, 2:] = np.maximum.reduceat(of[:, 2:], starts)
    return box


def _geometries(claims: Claims, scenes: Scenes) -> pa.Array:
    """Give the WKB of a collection of the things of each claim; the image if it rests on none."""
    used, thing = np.unique(claims.things, return_inverse=True)
    count, some = len(claims.sizes), claims.sizes > 0
    heads = np.repeat(_COLLECTION, count)
    heads["parts"] = claims.sizes
    pieces = [
        _fixed(heads.view(np.uint8).reshape(count, _COLLECTION.itemsize)).cast(pa.binary()),
        pa.array(shapely.to_wkb(scenes.frames), pa.binary()),
        pa.array(shapely.to_wkb(scenes.geometry[used]), pa.binary()),
    ]
    first = np.where(some, np.arange(count), count + claims.image)
    parts = np.insert(
        thing + count + len(scenes.frames), np.cumsum(claims.sizes) - claims.sizes, first
    )
    ends = np.append(0, np.cumsum(claims.sizes + 1)).astype(np.int32)
    listed = pa.ListArray.from_arrays(ends, pa.concat_arrays(pieces).take(pa.array(parts)))
    return pc.binary_join(listed, b"")


def _hex(numbers: npt.NDArray[np.uint64]) -> pa.Array:
    """Give numbers of 64 bits as 16 hexadecimal digits."""
    octets = numbers.astype(">u8").view(np.uint8).reshape(len(numbers), 8)
    halves = np.stack([octets >> 4, octets & 15], axis=2).reshape(len(numbers), 16)
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)[halves]
    return _fixed(digits).cast(pa.binary()).cast(pa.string())


def _fixed(octets: npt.NDArray[np.uint8]) -> pa.Array:
    """Give the rows of a matrix of octets as binary values of one length."""
    count, width = octets.shape
    buffers = [None, pa.py_buffer(np.ascontiguousarray(octets))]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), count, buffers)


def _lists(numbers: np.ndarray) -> pa.ListArray:
    ends = np.arange(0, numbers.size + 1, 4, dtype=np.int32)
    return pa.ListArray.from_arrays(ends, pa.array(numbers.ravel()))
