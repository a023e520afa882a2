"""Receipts: the results of finished shards, read from disk once while their files do not change."""

from __future__ import annotations

import os
import sys
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.atomic import read_sealed_json
from pipeline.object_stat import ObjectEntry
from pipeline.storage import Place, map_files, place_of, scan

MOST_IN_MEMORY = 200_000
"""Receipts that are kept after they were read: some 100 MB."""

_State = tuple[int, int, int]
"""The state of a file: inode, time of change and size."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of a shard, stored beside its part; all totals are sums over receipts."""

    stage: str
    shard: int
    fingerprint: str
    inputs: Mapping[str, str]
    """Content id of each part and table that the shard read."""
    output: str
    """Content id of the part."""
    size: int
    """Size of the part in bytes."""
    rows: int
    status: Mapping[str, int]
    reasons: Mapping[str, int]
    seconds: float
    host: str

    def fields(self) -> dict[str, object]:
        """Give the fields by name, to be stored."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True)
class Totals:
    """Sums over receipts: rows, rows by status, and rows by reason."""

    rows: int
    status: Mapping[str, int]
    reasons: Mapping[str, int]


def totals(receipts: Mapping[int, Receipt]) -> Totals:
    """Sum up receipts."""
    status: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    rows = 0
    for receipt in receipts.values():
        rows += receipt.rows
        for counter, counts in ((status, receipt.status), (reasons, receipt.reasons)):
            for name, count in counts.items():
                counter[name] += count
    return Totals(rows, dict(status.most_common()), dict(reasons.most_common()))


Entry = os.DirEntry[str] | ObjectEntry


def numbered_files(folder: Place, prefix: str, ending: str) -> dict[int, Entry]:
    """Give the files ``<prefix><number><ending>`` of a folder by number, in order."""
    found = {}
    for entry in scan(folder):
        name = entry.name
        if name.startswith(prefix) and name.endswith(ending):
            number = name[len(prefix) : -len(ending)]
            if number.isdigit():
                found[int(number)] = entry
    return dict(sorted(found.items()))


class _Known(OrderedDict[str, dict[int, tuple[_State, Receipt]]]):
    """The receipts in memory by folder, the folder that was used last at the end."""

    def keep(self, folder: str, receipts: dict[int, tuple[_State, Receipt]]) -> None:
        """Keep the receipts of a folder, and drop those of other folders if there are too many."""
        self[folder] = receipts
        self.move_to_end(folder)
        while len(self) > 1 and sum(map(len, self.values())) > MOST_IN_MEMORY:
            self.popitem(last=False)


_known = _Known()


def read_receipts(folder: Place) -> dict[int, Receipt]:
    """Read the receipts in a folder, in order; leaves out those that are damaged.

    A file that has not changed since it was read last is not read again.
    """
    known = _known.get(str(folder), {})
    found: dict[int, tuple[_State, Receipt]] = {}
    new: dict[int, tuple[_State, Place]] = {}
    for shard, file in numbered_files(folder, "", ".json").items():
        try:
            stat = file.stat()
        except FileNotFoundError:
            continue
        state = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        before = known.get(shard)
        if before is not None and before[0] == state:
            found[shard] = before
        else:
            new[shard] = (state, place_of(file.path))
    read = map_files(_read, (place for _, place in new.values()))
    for (shard, (state, _)), receipt in zip(new.items(), read, strict=True):
        if receipt is not None:
            found[shard] = (state, receipt)
    if new:  # the others are in order already
        found = dict(sorted(found.items()))
    _known.keep(str(folder), found)
    return {shard: receipt for shard, (_, receipt) in found.items()}


def _read(path: Place) -> Receipt | None:
    content = read_sealed_json(path)
    try:
        return None if content is None else Receipt(**_shared(content))
    except TypeError:  # written by another version: the part is made again
        return None


def _shared(content: dict[str, Any]) -> dict[str, Any]:
    """Let equal texts of receipts be one object: most recur in other receipts."""
    return {
        name: sys.intern(value)
        if isinstance(value, str)
        else {sys.intern(key): _interned(each) for key, each in value.items()}
        if isinstance(value, dict)
        else value
        for name, value in content.items()
    }


def _interned(value: Any) -> Any:  # noqa: ANN401 - a text or a number
    return sys.intern(value) if isinstance(value, str) else value
