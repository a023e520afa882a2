"""Gives the id of what a run has made so far, for records that lead back to it."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.atomic import content_id
from pipeline.manifest import TableFolder
from pipeline.storage import Place


def run_fingerprint(root: Place, tables: Iterable[str]) -> str:
    """Give a digest of the content of some tables of a run.

    It changes with every byte of them and with nothing else, so the same config gives the same
    digest on every machine. The content ids are those of the tables' receipts.
    """
    ids = [f"{name} {TableFolder(root, name).table_id()}" for name in sorted(tables)]
    return content_id("\n".join(ids).encode())
