"""Finds and reads meta files wherever they lie: folders ``meta2`` ..., or zips as published.

The source may be one such folder, a folder that holds some (at any depth), a zip, or a folder of
``meta2.zip`` .... What is wrong with the source is an `InputError` before the first file is read;
what is wrong with one file comes in that file's place, and the others go on.
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
from skyscript.files.paths import plain
from skyscript.files.zips import BROKEN, checked_members, open_zip, packing_problem

_NOT_ENTERED = re.compile(rf"\..*|{IMAGE_FOLDER.pattern}|__MACOSX", re.DOTALL)
_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Of a member: signature, and how long the name and the extra field after it are."""
_LOCAL_SIGNATURE = b"PK\x03\x04"


class _Folder(NamedTuple):
    """A folder ``meta2``."""

    path: Path

    def parts(self) -> set[str]:
        return {self.path.name}

    def files(self) -> Iterator[tuple[str, bytes | InputError]]:
        for name, path in _below(str(self.path), self.path.name):
            yield name, _file_bytes(path, name)


class _Zip(NamedTuple):
    """A zip that holds one part or several."""

    path: Path

    def parts(self) -> set[str]:
        with open_zip(self.path) as archive:
            return {name.partition("/")[0] for name, _ in _members(archive, self.path)}

    def files(self) -> Iterator[tuple[str, bytes | InputError]]:
        with open_zip(self.path) as archive, self.path.open("rb") as file:
            for name, member in _members(archive, self.path):
                yield name, _member_bytes(file, member, name)


def read_metas(source: Path) -> Iterator[tuple[str, Meta | InputError]]:
    """Give each meta file's name (``meta3/a12_CH_19.pickle``) and what it holds, or what is wrong.

    Sorted by name within each folder or zip, these by their parts. Raises `InputError` at once
    if the source is not there or is no zip, where a zip's member leads out of it (``../``, a
    link) or where a part is there twice.
    """
    places = sorted(((place.parts(), place) for place in _places(source)), key=_by_part)
    seen: dict[str, Path] = {}
    for parts, place in places:
        for part in sorted(parts):
            if part in seen:
                raise InputError(
                    f"{source}: {part} is there twice, in {seen[part]} and in {place.path}; "
                    "move one of them away."
                )
            seen[part] = place.path
    if not seen:
        raise InputError(
            f"{source}: holds no meta files; they lie in folders meta2, meta3 ... or in zips of "
            "these names."
        )
    return _all_metas(source, [place for _, place in places])


def _all_metas(
    source: Path, places: list[_Folder | _Zip]
) -> Iterator[tuple[str, Meta | InputError]]:
    found = False
    for place in places:
        for name, data in place.files():
            found = True
            yield name, data if isinstance(data, InputError) else _loaded(data, name)
    if not found:
        raise InputError(f"{source}: its meta folders hold no file *{META_SUFFIX}.")


def _loaded(data: bytes, name: str) -> Meta | InputError:
    if not name.isprintable():
        return InputError(f"{name!a}: its name holds characters that cannot be printed.")
    try:
        return load_meta(data, name)
    except InputError as error:
        return error


def _by_part(place: tuple[set[str], _Folder | _Zip]) -> tuple[int, str]:
    numbers = (int(part.removeprefix("meta")) for part in place[0])
    return min(numbers, default=0), str(place[1].path)


def _places(source: Path) -> Iterator[_Folder | _Zip]:
    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder.")
    if not source.is_dir():
        yield _Zip(source)
        return
    if META_FOLDER.fullmatch(source.resolve().name):
        yield _Folder(source.resolve())
        return
    for folder, below, files in os.walk(source, onerror=_unreadable):
        for name in sorted(below):
            if META_FOLDER.fullmatch(name):
                yield _Folder(Path(folder, name))
        below[:] = [n for n in below if not (META_FOLDER.fullmatch(n) or _NOT_ENTERED.fullmatch(n))]
        yield from (_Zip(Path(folder, name)) for name in files if META_ZIP.fullmatch(name))


def _unreadable(error: OSError) -> NoReturn:
    raise InputError(f"{error.filename}: cannot be read: {error.strerror}.") from error


def _below(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield (name, path) of the meta files under a folder; links to folders are not entered."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        _unreadable(error)
    for entry in found:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, f"{prefix}/{entry.name}")
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
    """List the meta files of a zip, sorted by name, or raise where any member is not to be had."""
    found = []
    for member in checked_members(archive, path):
        names = plain(member.filename).split("/")
        if member.filename.endswith(META_SUFFIX) and not any(map(_NOT_ENTERED.fullmatch, names)):
            found.append((_name_in_part(names, path), member))
    found.sort(key=lambda item: item[0])
    for (name, _), (following, _) in itertools.pairwise(found):
        if name == following:
            raise InputError(f"{path}: holds {name} twice; keep one of them.")
    return found


def _name_in_part(names: list[str], path: Path) -> str:
    """Give the name from the part's folder on: ``data/meta3/x.pickle`` -> ``meta3/x.pickle``."""
    for depth, folder in enumerate(names[:-1]):
        if META_FOLDER.fullmatch(folder):
            return "/".join(names[depth:])
    if META_FOLDER.fullmatch(path.stem):
        return "/".join([path.stem, *names])
    raise InputError(
        f"{path}: its member {'/'.join(names)!a} lies in no folder meta2, meta3 ..., so its image "
        "cannot be told."
    )


def _member_bytes(file: BinaryIO, member: zipfile.ZipInfo, name: str) -> bytes | InputError:
    """Unpack a member; a quarter of the time that `zipfile` takes for one so small."""
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
            # Never more than the directory claims, whatever the packed bytes would swell to.
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.file_size + 1)
    except (*BROKEN, OSError) as error:
        return InputError(f"{name}: cannot be unpacked: {error}.")
    whole = len(data) == member.file_size and zlib.crc32(data) == member.CRC
    if signature != _LOCAL_SIGNATURE or not whole:
        return InputError(f"{name}: cannot be unpacked: its size or checksum is wrong.")
    return data


def _too_large(name: str) -> InputError:
    return InputError(f"{name}: is larger than {MAX_BYTES >> 20} MiB, as no meta file is.")
