"""Decides for all closed ways of a block whether they are areas, by `areas.closed_way`.

Each distinct tag is asked about once; what the tags of a way say is then put together.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from skyscript.osm import areas
from skyscript.osm.blocks.columns import Objects
from skyscript.osm.blocks.protobuf import Ints

NO_AREA_TAG = areas.closed_way({}).rule
OPEN_WAY = "open way"

_NOTHING, _LINE, _AREA, _SAID = range(4)
"""What a tag says: nothing; a line, unless another tag says area; an area; ``area=*``, the last
word."""


def decide(ways: Objects, closed: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], pa.Array]:
    """Say which ways are areas, and by which rule each way is what it is."""
    rules = [OPEN_WAY, NO_AREA_TAG]
    rule = np.where(closed, 1, 0)
    is_area = np.zeros(len(closed), dtype=bool)
    owners = np.repeat(np.arange(len(closed)), np.diff(ways.tag_ends, prepend=0))
    tags = np.flatnonzero(closed[owners] & _may_decide(ways))
    if len(tags):
        keys, values = ways.tag_numbers[tags].T
        pairs, first, pair = np.unique(
            keys * (values.max() + 1) + values, return_index=True, return_inverse=True
        )
        says, shape = np.empty(len(pairs), np.int64), np.empty(len(pairs), bool)
        for number, tag in enumerate(tags[first].tolist()):
            says[number], shape[number], text = _single(
                ways.keys[tag].as_py(), ways.values[tag].as_py()
            )
            rules.append(text)
        # Later assignments win: the last line tag, then the first area tag, then area=*.
        for level, order in ((_LINE, 1), (_AREA, -1), (_SAID, 1)):
            chosen = np.flatnonzero(says[pair] == level)[::order]
            rule[owners[tags[chosen]]] = 2 + pair[chosen]
            is_area[owners[tags[chosen]]] = shape[pair[chosen]]
    return is_area, pa.DictionaryArray.from_arrays(
        pa.array(rule, pa.int32()), pa.array(rules)
    ).dictionary_decode()


def _may_decide(ways: Objects) -> Ints:
    """Say for each tag whether its key can decide anything."""
    _, first, inverse = np.unique(ways.tag_numbers[:, 0], return_index=True, return_inverse=True)
    names = pc.take(ways.keys, pa.array(first)).to_pylist()
    return np.array([areas.decides(name) for name in names], dtype=bool)[inverse]


@functools.lru_cache(maxsize=100_000)
def _single(key: str, value: str) -> tuple[int, bool, str]:
    decision = areas.closed_way({key: value})
    if key == "area" and value:
        return _SAID, decision.is_area, decision.rule
    if decision.is_area:
        return _AREA, True, decision.rule
    return (_NOTHING if decision.rule == NO_AREA_TAG else _LINE), False, decision.rule
