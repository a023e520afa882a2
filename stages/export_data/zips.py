"""The layout of SkyScript's authors: zips of images and of metas, and captions files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skyscript.files.image_tars import COLUMNS, image_file
from skyscript.files.names import FOLDERS
from skyscript.files.pairs_csv import HEADER, write_pairs
from stages.export_data.pairs import Pairs

FOLDER = "published"
_BATCH = 4096
_IMAGE = ("filepath", "content_hash", *COLUMNS[1:])
_META = ("metapath", "meta_hash")
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time of a zip: the same pairs give the same bytes."""


def write_zips(pairs: Pairs, out: Path) -> list[str]:
    """Write the published layout below ``out``; give the paths of its files.

    These are images2.zip to images7.zip, meta2.zip to meta7.zip, and the captions files.
    """
    (out / FOLDER).mkdir()
    names = []
    for place in FOLDERS:
        columns = _IMAGE if place.startswith("images") else _META
        path = columns[0]
        query = (
            f"SELECT {', '.join(columns)} FROM pairs WHERE starts_with({path}, '{place}/') "
            f"ORDER BY {path}"
        )
        name = f"{FOLDER}/{place}.zip"
        with zipfile.ZipFile(out / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo(f"{place}/", _TIME), b"")
            for member, expected, *in_tar in _stream(pairs, query):
                row = dict(zip(COLUMNS, (member, *in_tar), strict=False))
                data = pairs.read(image_file(pairs.root, row), expected)
                archive.writestr(zipfile.ZipInfo(member, _TIME), data)
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
