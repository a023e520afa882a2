"""Where libosmium keeps the places of nodes: in memory, or in a file in the scratch folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from pipeline.errors import StorageError

IndexChoice = Literal["auto", "memory", "sparse_file", "dense_file"]

IN_MEMORY_UP_TO = 500_000_000
"""Up to this size of the input in bytes, `auto` keeps the places in memory."""
SPARSE_UP_TO = 30_000_000_000
"""Above this size of the input, a dense file is smaller than a sparse one."""

_SPARSE = 2
"""Bytes of a sparse index for each byte of a PBF: 16 for each node, which takes about 8."""
_IN_MEMORY = 4
"""Bytes of memory for each byte of a PBF: the list of places doubles when it is full."""
_DENSE = 112_000_000_000
"""Bytes of a dense file: 8 for each id up to the newest nodes of OSM, about 14e9."""
_NAME = "nodes.index"


def index_kind(size: int, folder: Path, choice: IndexChoice = "auto") -> str:
    """Give libosmium's name of the index for an input of ``size`` bytes.

    Raises `StorageError` if the disk or the memory is too small for the index.
    """
    (folder / _NAME).unlink(missing_ok=True)
    if choice == "auto":
        in_memory, sparse = size <= IN_MEMORY_UP_TO, size <= SPARSE_UP_TO
        choice = "memory" if in_memory else "sparse_file" if sparse else "dense_file"
    if choice == "memory":
        _require_memory(folder, _IN_MEMORY * size)
        return "flex_mem"
    is_sparse = choice == "sparse_file"
    require_space(folder, _SPARSE * size if is_sparse else _DENSE)
    return f"{'sparse' if is_sparse else 'dense'}_file_array,{folder / _NAME}"


def require_space(folder: Path, size: int) -> None:
    """Raise `StorageError` unless ``size`` bytes are free.

    Checked before libosmium writes a file, because a full disk makes libosmium end the process.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise StorageError(
            f"{folder}: reading this input needs {size / 1e6:,.0f} MB of scratch space, and "
            f"{free / 1e6:,.0f} MB are free: free some space or use another run folder"
        )


def _require_memory(folder: Path, size: int) -> None:
    free = _free_memory()
    if free is not None and free < size:
        raise StorageError(
            f"{folder}: the places of the nodes need about {size / 1e6:,.0f} MB of memory, and "
            f"{free / 1e6:,.0f} MB are free: set `extract.node_index: sparse_file`"
        )


def _free_memory() -> int | None:
    """Give the bytes of memory that are free for programs; None where Linux does not say it."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines)
    return int(values["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in values else None
