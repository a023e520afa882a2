"""Journal of a shard: one line per tile with its outcome, appended as soon as it is known.

Services are slow and count requests. So a tile is not requested again if it was fetched before the
run was killed, beside rows that failed, or before a change that does not affect it. A truncated
or damaged line is ignored; what a kill left of the last line is cut off.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.append import open_to_append
from pipeline.atomic import content_id, write_bytes
from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.storage import Place, matching
from stages.fetch.image_store import ImageStore

FOLDER = "_ledger"


class TileJournal:
    """The journal of one shard; safe to share among threads."""

    def __init__(self, root: Place, shard: int) -> None:
        self._path = root / FOLDER / f"{shard:05d}.jsonl"
        self._lock = threading.Lock()
        self._known = self._read()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open_to_append(self._path)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
        entries = [_intact(line) for line in lines]
        if entries[-1] is None and len(lines) > 1:  # cut off when the process was killed
            write_bytes(self._path, self._path.read_bytes()[: -len(lines[-1]) - 1])
        return {entry["key"]: entry["row"] for entry in entries if entry}

    def close(self) -> None:
        """Close the journal."""
        self._file.close()

    def outcome(
        self,
        keys: Sequence[str],
        images: ImageStore,
        accepts: Callable[[Mapping[str, Any], bytes], dict[str, Any] | None],
        *,
        is_whole: bool,
    ) -> dict[str, Any] | None:
        """Give the recorded row of one of some keys, if its image still exists, unchanged.

        ``accepts`` gives the row of an image as it shall be now, or None. A row without an image is
        final only if all candidates were tried: its key is then the last one, and ``is_whole`` says
        that the keys cover all candidates.
        """
        for key in keys:
            row = self._known.get(key)
            if row is None or row.get("status") != STATUS_OK:
                continue
            data = images.read(row["filepath"])
            if data is None or content_id(data) != row["content_hash"]:
                continue
            if (accepted := accepts(row, data)) is not None:
                images.keep(row["filepath"], data)
                return accepted | {"acquired": datetime.fromisoformat(row["acquired"])}
        last = self._known.get(keys[-1]) if keys and is_whole else None
        return last if last is not None and last.get("status") == STATUS_FILTERED else None

    def record(self, key: str, row: Mapping[str, Any], account: Mapping[str, object]) -> None:
        """Append the outcome of a tile, with the attempts and seconds that it took."""
        plain = json.loads(json.dumps(row, default=_plain))
        entry = {"key": key, **account, "row": plain}
        # The line end comes first: this line must not continue one that a kill left unfinished.
        data = ("\n" + json.dumps(entry | {"check": _check_whole(entry)})).encode()
        with self._lock:
            self._file.write(data)


def remove_damaged_lines(root: Place) -> list[Place]:
    """Remove the damaged lines from the journals of a run; give the journals that had some."""
    damaged = []
    for path in matching(root, f"{FOLDER}/*.jsonl"):
        lines = path.read_bytes().split(b"\n")
        intact = [line for line in lines[1:] if _intact(line)]
        if lines[0] or len(intact) < len(lines) - 1:
            write_bytes(path, b"".join(b"\n" + line for line in intact))
            damaged.append(path)
    return damaged


def _intact(line: bytes) -> dict[str, Any] | None:
    """Give the entry of a line; None if the line is blank, cut off or damaged."""
    try:
        entry = json.loads(line)
        stated = entry.pop("check", None)  # a line of the first version has none
        whole = json.dumps(entry if stated is None else entry | {"check": stated})
        checks = {_check_whole(entry), _check_row(entry)}
        is_known = stated in checks if stated is not None else list(entry)[-1] == "row"
        return entry if is_known and whole.encode() == line else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _check_whole(entry: Mapping[str, Any]) -> str:
    """Give the digest of a line."""
    return content_id(json.dumps(entry).encode())


def _check_row(entry: Mapping[str, Any]) -> str:
    """Give the digest of a line's key and row, as an earlier version wrote it."""
    return content_id(json.dumps([entry["key"], entry["row"]]).encode())


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} cannot be written to the journal")
