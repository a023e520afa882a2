"""Finds files whose bytes are not the recorded ones: parts, side files and files of state.

A damaged file counts as missing: its part loses its receipt, so the next run makes it again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pipeline.atomic import content_id_of_file, read_sealed_json
from pipeline.manifest import TableFolder
from pipeline.receipts import Receipt
from pipeline.run import Run
from pipeline.side_files import files_of, read_columns
from pipeline.stage import Owned
from pipeline.storage import Place, matching

log = logging.getLogger(__name__)

_THREADS = 4
"""Files that are hashed at once."""


class DamagedPartsError(Exception):
    """Parts that a stage needs were damaged; they have no receipts any more."""


class PartChecker:
    """Compares parts with their receipts before they are read: each part once in a run."""

    def __init__(self) -> None:
        self._intact: dict[Place, dict[int, str]] = {}
        """The content ids of the parts of a table's folder."""

    def revoke_damaged(self, folder: TableFolder, receipts: Mapping[int, Receipt]) -> set[int]:
        """Revoke the receipts of damaged parts, with a log line for each; give their numbers."""
        damaged = set()
        intact = self._intact.setdefault(folder.path, {})
        for shard, receipt in receipts.items():
            if intact.get(shard) == receipt.output:
                continue
            part = folder.part(shard)
            if _has_content(part, receipt.output):
                intact[shard] = receipt.output
                continue
            log.warning("%s is damaged: it is made again", part)
            folder.revoke(shard)
            damaged.add(shard)
        return damaged


class _Damage(NamedTuple):
    """A damaged or missing file, and the part that is made again because of it."""

    path: Place
    table: str
    shard: int | None
    """None: a file of state of the table or of the run, which is written again."""


def revoke_damaged_parts(run: Run, owns: Mapping[str, tuple[Owned, ...]]) -> list[Place]:
    """Give every damaged or missing file of a run, and revoke the receipts of their parts.

    ``owns`` gives the side files by the table's name. A damaged file of state needs no mark: it
    counts as missing. The run's own files of state are written again when a run begins.
    """
    damaged = list(_find_damage(run, owns))
    for item in damaged:
        if item.shard is not None:
            TableFolder(run.root, item.table).revoke(item.shard)
    return [item.path for item in damaged]


def _find_damage(run: Run, owns: Mapping[str, tuple[Owned, ...]]) -> Iterator[_Damage]:
    """Yield every damaged file of a run.

    The side files of a damaged part are not named: they are all made again.
    """
    yield from (_Damage(path, "", None) for path in _damaged_state(run.state_files()))
    for path in matching(run.root / "tables", "*"):
        folder = TableFolder(run.root, path.name)
        for state in _damaged_state(folder.state_files()):
            in_receipt = state.parent != folder.path and state.stem.isdigit()
            yield _Damage(state, path.name, int(state.stem) if in_receipt else None)
        with ThreadPoolExecutor(_THREADS) as threads:
            for shard, receipt in folder.all_receipts().items():
                part = folder.part(shard)
                if not _has_content(part, receipt.output):
                    yield _Damage(part, path.name, shard)
                    continue
                for file in _damaged_side_files(run.root, part, owns.get(path.name, ()), threads):
                    yield _Damage(file, path.name, shard)


def _damaged_state(paths: list[Place]) -> list[Place]:
    return [path for path in paths if read_sealed_json(path) is None]


def _damaged_side_files(
    root: Place, part: Place, owns: tuple[Owned, ...], threads: ThreadPoolExecutor
) -> Iterator[Place]:
    for owned in dict.fromkeys(each._replace(glob=None) for each in owns):
        rows = files_of(read_columns(part, [owned]), owned)
        files = [root / name for name in rows[owned.column].to_pylist()]
        digest = owned.digest
        ids = rows[digest].to_pylist() if digest is not None else [None] * len(rows)
        for file, intact in zip(files, threads.map(_has_content, files, ids), strict=True):
            if not intact:
                yield file


def _has_content(path: Place, content: str | None) -> bool:
    """Tell whether a file exists and has this content id; None: any content."""
    try:
        return path.is_file() and (content is None or content_id_of_file(path) == content)
    except OSError:  # unreadable
        return False
