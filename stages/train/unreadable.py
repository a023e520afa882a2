"""Counts the pairs whose image cannot be read, and stops a training that has too many."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline.atomic import storage
from pipeline.errors import InputError

log = logging.getLogger(__name__)


class Skipped(NamedTuple):
    """A pair whose image cannot be read."""

    row: int
    sentence: str
    """Which image it is, and the reason."""


class Unreadable:
    """The pairs of one process that others replace, in a file of one JSON line each."""

    def __init__(self, path: Path, share: float, pairs: int) -> None:
        """``share`` of ``pairs`` is the limit. A resumed training counts those of the file."""
        self._path, self._share, self._pairs = path, share, pairs
        self._rows = set(_recorded(path))

    def add(self, skipped: Iterable[Skipped]) -> None:
        """Record pairs that are new. Raises `InputError` if there are now more than the limit."""
        for pair in skipped:
            if pair.row in self._rows:
                continue
            self._rows.add(pair.row)
            line = json.dumps({"row": pair.row + 1, "reason": pair.sentence}) + "\n"
            with storage(self._path), self._path.open("a", encoding="utf-8") as file:
                file.write(line)  # one write keeps a line whole, also of several processes
            if len(self._rows) > self._share * self._pairs:
                raise InputError(
                    f"{pair.sentence}. With it, {len(self._rows):,} of {self._pairs:,} images "
                    f"cannot be read, and --max-bad-images allows a share of {self._share:g}. "
                    "Repair them, or allow more, and run the same command again."
                )

    def log_count(self) -> None:
        """Say how many pairs were replaced."""
        if self._rows:
            log.warning(
                "%s: %s images cannot be read; other pairs took their places",
                self._path,
                f"{len(self._rows):,}",
            )


def _recorded(path: Path) -> Iterable[int]:
    """Yield the rows that a file names, up to a line that a killed process did not finish."""
    if not path.exists():
        return
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            yield int(json.loads(line)["row"]) - 1
        except (ValueError, LookupError, TypeError):
            return
