"""WebDataset: tars of samples ``KEY.jpg``, ``KEY.txt``, ``KEY.long.txt`` and ``KEY.json``."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.atomic import write_json
from stages.export_data.energon import write_index, write_meta
from stages.export_data.pairs import PAIR, Pairs

FOLDER = "webdataset"


def write_webdataset(pairs: Pairs, out: Path, per_file: int) -> list[str]:
    """Write tars, and ``sizes.json`` with the number of samples of each; give their paths.

    ``KEY.txt`` has the title, ``KEY.long.txt`` the long caption, ``KEY.json`` all columns and the
    statements; captions and statements that the run lacks are left out. A tar has neither times nor
    owners, so that the same pairs give the same bytes. megatron-energon's files lie beside them.
    """
    folder = out / FOLDER
    folder.mkdir()
    sizes: dict[str, dict[str, int]] = {split: {} for split in pairs.counts}
    for split, own in sizes.items():
        rows = pairs.rows(split)
        for number, _, size in pairs.in_files(split, per_file):
            name = f"{split}-{number:06}.tar"
            _write_tar(folder / name, pairs, itertools.islice(rows, size))
            own[name] = size
    counts = {name: size for own in sizes.values() for name, size in own.items()}
    write_json(folder / "sizes.json", counts)
    write_meta(folder, sizes)
    return [f"{FOLDER}/{name}" for name in counts]


def _write_tar(path: Path, pairs: Pairs, rows: Iterable[dict[str, Any]]) -> None:
    """Write a tar of some pairs, and its index."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        offsets = [0]
        for row in rows:
            _add_sample(tar, pairs, row)
            offsets.append(tar.offset)
    write_index(path, offsets)


def _add_sample(tar: tarfile.TarFile, pairs: Pairs, row: dict[str, Any]) -> None:
    key = PurePosixPath(row["filepath"]).stem
    about = {name: row[name] for name in PAIR.names}
    if row["statements"] is not None:
        about["statements"] = row["statements"]
    parts = {
        "jpg": pairs.read_image(row),
        "txt": row["title"].encode(),
        **({} if row["title_long"] is None else {"long.txt": row["title_long"].encode()}),
        "json": json.dumps(
            about, ensure_ascii=False, default=lambda time: time.isoformat()
        ).encode(),
    }
    for kind, data in parts.items():
        info = tarfile.TarInfo(f"{key}.{kind}")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
