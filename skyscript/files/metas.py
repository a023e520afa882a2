"""Finds and reads meta files in folders ``meta2`` ... or in the published zips.

The source is one such folder, a folder that contains some (at any depth), a zip, or a folder of
``meta2.zip`` .... An invalid source raises `InputError` before the first file is read. For an
invalid file, the reader yields an `InputError` in its place and continues.
"""

from __future__ import annotations

import itertools
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

from pipeline.errors import InputError
from skyscript.files.meta import MAX_BYTES, Meta, load_meta
from skyscript.files.names import IMAGE_FOLDER, META_FOLDER, META_SUFFIX, META_ZIP
from skyscript.files.paths import normalise
from skyscript.files.zips import BROKEN, checked_members, open_zip, packing_problem

_SKIPPED = re.compile(rf"\..*|{IMAGE_FOLDER.pattern}|__MACOSX", re.DOTALL)
_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""A member's header: signature, length of the name, length of the extra field."""
_LOCAL_SIGNATURE = b"PK\x03\x04"


class _Folder(NamedTuple):
    """A folder ``meta2``."""

    path: Path

    def parts(self) -> set[str]:
        return {self.path.name}

    def files(self) -> Iterator[tuple[str, bytes | InputError]]:
        for name, path in _files_below(str(self.path), self.path.name):
            yield name, _file_bytes(path, name)


class _Zip(NamedTuple):
    """A zip with one part or several."""

    path: Path

    def parts(self) -> set[str]:
        with open_zip(self.path) as archive:
            return {name.partition("/")[0] for name, _ in _members(archive, self.path)}

    def files(self) -> Iterator[tuple[str, bytes | InputError]]:
        with open_zip(self.path) as archive, self.path.open("rb") as file:
            for name, member in _members(archive, self.path):
                yield name, _member_bytes(file, member, name)


def read_metas(source: Path) -> Iterator[tuple[str, Meta | InputError]]:
    """Give each meta file's name (``meta3/a12_CH_19.pickle``) and its content, or the error.

    Folders and zips are sorted by part, their files by name. Raises `InputError` immediately if
    the source does not exist or is not a zip, if a member of a zip leads out of it (``../``, a
    link), or if a part occurs twice.
    """
    places = sorted(((place.parts(), place) for place in _find_places(source)), key=_by_part)
    seen: dict[str, Path] = {}
    for parts, place in places:
        for part in sorted(parts):
            if part in seen:
                raise InputError(
                    f"{source}: {part} occurs twice, in {seen[part]} and in {place.path}; "
                    "move one of them away."
                )
            seen[part] = place.path
    if not seen:
        raise InputError(
            f"{source}: contains no meta files; they are in folders meta2, meta3 ... or in zips "
            "with these names."
        )
    return _all_metas(source, [place for _, place in places])


def _all_metas(
    source: Path, places: list[_Folder | _Zip]
) -> Iterator[tuple[str, Meta | InputError]]:
    found = False
    for place in places:
        for name, data in place.files():
            found = True
            yield name, data if isinstance(data, InputError) else _load(data, name)
    if not found:
        raise InputError(f"{source}: its meta folders contain no file *{META_SUFFIX}.")


def _load(data: bytes, name: str) -> Meta | InputError:
    if not name.isprintable():
        return InputError(f"{name!a}: its name contains characters that cannot be printed.")
    try:
        return load_meta(data, name)
    except InputError as error:
        return error


def _by_part(place: tuple[set[str], _Folder | _Zip]) -> tuple[int, str]:
    numbers = (int(part.removeprefix("meta")) for part in place[0])
    return min(numbers, default=0), str(place[1].path)


def _find_places(source: Path) -> Iterator[_Folder | _Zip]:
    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder.")
    if not source.is_dir():
        yield _Zip(source)
        return
    if META_FOLDER.fullmatch(source.resolve().name):
        yield _Folder(source.resolve())
        return
    for folder, below, files in os.walk(source, onerror=_raise_unreadable):
        for name in sorted(below):
            if META_FOLDER.fullmatch(name):
                yield _Folder(Path(folder, name))
        below[:] = [n for n in below if not (META_FOLDER.fullmatch(n) or _SKIPPED.fullmatch(n))]
        yield from (_Zip(Path(folder, name)) for name in files if META_ZIP.fullmatch(name))


def _raise_unreadable(error: OSError) -> NoReturn:
    raise InputError(f"{error.filename}: cannot be read: {error.strerror}.") from error


def _files_below(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield (name, path) of the meta files under a folder; does not follow links to folders."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        _raise_unreadable(error)
    for entry in found:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(entry.path, f"{prefix}/{entry.name}")
        elif entry.name.endswith(META_SUFFIX) and entry.is_file():
            yield f"{prefix}/{entry.name}", entry.path


def _file_bytes(path: str, name: str) -> bytes | InputError:
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            size = os.fstat(handle).st_size
            return _too_large(name) if size > MAX_BYTES else os.read(handle, size)
        finally:
            os.close(handle)
    except OSError as error:
        return InputError(f"{name}: cannot be read: {error.strerror}.")


def _members(archive: zipfile.ZipFile, path: Path) -> list[tuple[str, zipfile.ZipInfo]]:
    """List the meta files of a zip by name. Raises `InputError` if any member is unsafe."""
    found = []
    for member in checked_members(archive, path):
        names = normalise(member.filename).split("/")
        if member.filename.endswith(META_SUFFIX) and not any(map(_SKIPPED.fullmatch, names)):
            found.append((_name_in_part(names, path), member))
    found.sort(key=lambda item: item[0])
    for (name, _), (following, _) in itertools.pairwise(found):
        if name == following:
            raise InputError(f"{path}: contains {name} twice; keep one of them.")
    return found


def _name_in_part(names: list[str], path: Path) -> str:
    """Give the path from the part's folder on: ``data/meta3/x.pickle`` -> ``meta3/x.pickle``."""
    for depth, folder in enumerate(names[:-1]):
        if META_FOLDER.fullmatch(folder):
            return "/".join(names[depth:])
    if META_FOLDER.fullmatch(path.stem):
        return "/".join([path.stem, *names])
    raise InputError(
        f"{path}: its member {'/'.join(names)!a} is in no folder meta2, meta3 ..., so its image "
        "is unknown."
    )


def _member_bytes(file: BinaryIO, member: zipfile.ZipInfo, name: str) -> bytes | InputError:
    """Unpack a member, four times as fast as `zipfile` for these small files."""
    if max(member.file_size, member.compress_size) > MAX_BYTES:
        return _too_large(name)
    if problem := packing_problem(member):
        return InputError(f"{name}: {problem}.")
    try:
        file.seek(member.header_offset)
        signature, name_size, extra_size = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        file.seek(name_size + extra_size, os.SEEK_CUR)
        data = file.read(member.compress_size)
        if member.compress_type == zipfile.ZIP_DEFLATED:
            # Unpacks at most the size in the directory: the data may be a zip bomb.
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.file_size + 1)
    except (*BROKEN, OSError) as error:
        return InputError(f"{name}: cannot be unpacked: {error}.")
    whole = len(data) == member.file_size and zlib.crc32(data) == member.CRC
    if signature != _LOCAL_SIGNATURE or not whole:
        return InputError(f"{name}: cannot be unpacked: its size or checksum is wrong.")
    return data


def _too_large(name: str) -> InputError:
    return InputError(f"{name}: is larger than {MAX_BYTES >> 20} MiB, the limit for a meta file.")
