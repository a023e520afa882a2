"""The published layout: ``images2.zip`` ... ``meta7.zip`` and captions files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skyscript.files.names import FOLDERS
from skyscript.files.pairs_csv import HEADER, write_pairs
from stages.export_data.pairs import Pairs

FOLDER = "published"
_BATCH = 4096
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time of a zip: the same pairs give the same bytes."""


def write_zips(pairs: Pairs, out: Path) -> list[str]:
    """Write a zip for each of the twelve folders, and the captions files; give their paths."""
    (out / FOLDER).mkdir()
    names = []
    for place in FOLDERS:
        kind = "filepath, content_hash" if place.startswith("images") else "metapath, meta_hash"
        path = kind.partition(",")[0]
        query = f"SELECT {kind} FROM pairs WHERE starts_with({path}, '{place}/') ORDER BY {path}"
        name = f"{FOLDER}/{place}.zip"
        with zipfile.ZipFile(out / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo(f"{place}/", _TIME), b"")
            for member, expected in _stream(pairs, query):
                archive.writestr(zipfile.ZipInfo(member, _TIME), pairs.read(member, expected))
        names.append(name)
    return [*names, *_write_csvs(pairs, out)]


def _write_csvs(pairs: Pairs, out: Path) -> Iterator[str]:
    for number, csv in enumerate(pairs.csvs):
        query = (
            "SELECT filepath, title, coalesce(title_multi_objects, '') FROM chosen "
            f"SEMI JOIN pairs USING (filepath) WHERE file = {number} AND title IS NOT NULL "
            "ORDER BY row"
        )
        write_pairs(out / FOLDER / csv, HEADER, _stream(pairs, query))
        yield f"{FOLDER}/{csv}"


def _stream(pairs: Pairs, query: str) -> Iterator[tuple[Any, ...]]:
    result = pairs.connection.execute(query)
    while rows := result.fetchmany(_BATCH):
        yield from rows
