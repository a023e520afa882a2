"""What became of each tile, written down as it happens: a line a tile, appended.

Services are slow and count requests. So what was fetched before a run was killed, beside rows that
failed, or before a change that does not touch it, is not asked for again. A line that was cut off
is passed over.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.atomic import content_id
from pipeline.schema import STATUS_FILTERED, STATUS_OK


class Ledger:
    """The lines of one shard; safe to share among threads."""

    def __init__(self, root: Path, shard: int) -> None:
        self._root = root
        self._path = root / "_ledger" / f"{shard:05d}.jsonl"
        self._lock = threading.Lock()
        self._known = self._read()

    def _read(self) -> dict[str, dict[str, Any]]:
        known = {}
        if self._path.exists():
            for line in self._path.read_bytes().splitlines():
                try:
                    entry = json.loads(line)
                    known[entry["key"]] = entry["row"]
                except (ValueError, KeyError, TypeError):
                    continue  # cut off when the process was killed
        return known

    def __enter__(self) -> Self:
        """Open the ledger for more lines."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        os.close(self._file)

    def kept(self, keys: Sequence[str], *, is_whole: bool) -> dict[str, Any] | None:
        """Give the row that one of some keys has, if its image is there, unchanged.

        That there is no image is final only once all candidates were tried: where the keys are of
        the whole row, by the last of them.
        """
        for key in keys:
            row = self._known.get(key)
            if row is not None and row.get("status") == STATUS_OK and self._is_there(row):
                return row | {"acquired": datetime.fromisoformat(row["acquired"])}
        last = self._known.get(keys[-1]) if keys and is_whole else None
        return last if last is not None and last.get("status") == STATUS_FILTERED else None

    def _is_there(self, row: Mapping[str, Any]) -> bool:
        try:
            data = (self._root / row["filepath"]).read_bytes()
        except FileNotFoundError:
            return False
        return bool(content_id(data) == row["content_hash"])

    def note(self, key: str, row: Mapping[str, Any], account: Mapping[str, object]) -> None:
        """Write down what became of a tile, and what it took."""
        entry = {"key": key, **account, "row": row}
        # The line end comes first: a line that a killed process cut off must not swallow this one.
        data = ("\n" + json.dumps(entry, default=_plain)).encode()
        with self._lock:
            os.write(self._file, data)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a ledger")
