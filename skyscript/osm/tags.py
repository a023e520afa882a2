"""Tags of many objects, from a column of maps to Python values."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Tags = tuple[tuple[str, str], ...]
"""The tags of an object, in OSM's order."""


def tags_of(column: pa.ChunkedArray | pa.MapArray) -> list[Tags]:
    """Give the tags of each row; several times as fast as `to_pylist`. No row may be null."""
    maps = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(maps, pa.ChunkedArray):
        return [tags for chunk in maps.chunks for tags in tags_of(chunk)]
    ends = maps.offsets.to_numpy()
    start, count = int(ends[0]), int(ends[-1] - ends[0])
    keys, values = (_texts(child.slice(start, count)) for child in (maps.keys, maps.items))
    pairs = list(zip(keys, values, strict=True))
    return [tuple(pairs[a:b]) for a, b in itertools.pairwise((ends - start).tolist())]


def distinct_tags(maps: pa.MapArray) -> tuple[list[Tags], npt.NDArray[np.int64]]:
    """Give the distinct tags of the rows, and the number of its tags for each row.

    The tags of a row are compared as one binary value: the numbers of its keys and values.
    """
    ends = maps.offsets.to_numpy()
    start, count = int(ends[0]), int(ends[-1] - ends[0])
    keys, values = (
        child.slice(start, count).dictionary_encode() for child in (maps.keys, maps.items)
    )
    pairs = keys.indices.to_numpy().astype(np.int64) * len(values.dictionary)
    pairs += values.indices.to_numpy()
    lengths = ((ends - start) * pairs.itemsize).astype(np.int32)
    whole = pa.BinaryArray.from_buffers(
        pa.binary(), len(maps), [None, pa.py_buffer(lengths), pa.py_buffer(pairs)]
    )
    number = whole.dictionary_encode().indices.to_numpy().astype(np.int64)
    _, first = np.unique(number, return_index=True)
    return tags_of(maps.take(pa.array(first))), number


def _texts(texts: pa.StringArray) -> list[str]:
    """Give texts as Python values; equal ones are one object, whose hash is computed once."""
    encoded = texts.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    return [distinct[number] for number in encoded.indices.to_pylist()]
