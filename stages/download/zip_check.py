"""The safety check of a zip: no path out of the folder, link, password, collision or bomb."""

from __future__ import annotations

import itertools
import stat
import zipfile
from pathlib import Path, PurePosixPath

from pipeline.errors import InputError
from stages.download.config import MIB, UnpackLimits

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 1


def checked_members(
    opened: zipfile.ZipFile, archive: Path, limits: UnpackLimits
) -> list[zipfile.ZipInfo]:
    """Return all members of a zip. Raises `InputError` if one of them is not safe to unpack."""
    infos = opened.infolist()
    if problem := _bomb(infos, limits):
        raise InputError(f"{archive}: {problem}: a zip bomb? Nothing was unpacked.")
    files: set[str] = set()
    folders: set[str] = set()
    for info in infos:
        name = info.filename
        if problem := _problem(info) or ("occurs twice" if name in files else None):
            raise InputError(f"{archive}: its member {name!a} {problem}; nothing was unpacked.")
        (folders if info.is_dir() else files).add(name.rstrip("/"))
        folders.add(name.rstrip("/").rpartition("/")[0])
    folders.update(
        str(above) for folder in list(folders) for above in PurePosixPath(folder).parents
    )
    if both := sorted(files & folders):
        raise InputError(
            f"{archive}: its member {both[0]!a} is both a file and a folder; nothing was unpacked."
        )
    return infos


def _bomb(infos: list[zipfile.ZipInfo], limits: UnpackLimits) -> str | None:
    size = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if len(infos) > limits.max_files:
        return f"holds {len(infos):,} files; the limit is {limits.max_files:,} (max_files)"
    if size > limits.max_bytes:
        return f"unpacks to {size:,} bytes; the limit is {limits.max_bytes:,} (max_bytes)"
    pairs = [(info.file_size, info.compress_size) for info in infos] + [(size, packed)]
    if any(size > max(MIB, limits.max_ratio * packed) for size, packed in pairs):
        return f"unpacks to more than {limits.max_ratio:g} times its size (max_ratio)"
    spans = sorted((info.header_offset, info.compress_size) for info in infos)
    if any(start + length > after for (start, length), (after, _) in itertools.pairwise(spans)):
        return "has members that overlap"
    return None


def _problem(info: zipfile.ZipInfo) -> str | None:
    name = info.filename
    parts = name.rstrip("/").split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
        return "leads out of the folder"
    if not name.isprintable() or not all(parts) or "." in parts:
        return "has a name that no file can have here"
    if any(len(part.encode("utf-8", "surrogateescape")) > 255 for part in parts):
        return "has a name that is too long"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is a link or a device"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return "is compressed by another method than deflate"
    return None
