"""Unpacking a zip that nobody vouches for, into a folder that may hold other files.

All of the directory is looked at before the first byte is written: no path that leads out, no link,
no device, no password, no member over another, no bomb, no file in the way. Then each member
appears by rename, its CRC checked, and one that is there already with that CRC is passed over.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from pipeline.atomic import TEMPORARY, storage
from pipeline.errors import InputError
from skyscript.files.paths import plain
from skyscript.files.zips import BROKEN, BrokenZip, checked_members, packing_problem
from stages.download.config import MIB, UnpackLimits
from stages.download.progress import Progress, Tell

_BLOCK = MIB
_EVERY = 256
"""Members between two words of progress."""
_JUNK = re.compile(r"(^|/)(__MACOSX(/|$)|\.DS_Store$|\._[^/]*$|Thumbs\.db$)")
"""What file managers leave in zips."""


class Member(NamedTuple):
    """A file of an archive."""

    path: str
    """From the folder that was unpacked into."""
    size: int
    crc: int


def unpack(
    archive: Path, folder: Path, stem: str, limits: UnpackLimits, tell: Tell, name: str
) -> list[Member]:
    """Unpack all files into ``folder/stem``, whatever folders the zip wraps them in.

    Raises `BrokenZip` where the zip is cut off or a checksum is wrong, and `InputError` where
    it must not be unpacked here; of a hostile one nothing is written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _members(opened, archive, stem, limits)
            _check_in_the_way(folder, [member for member, _ in members])
            total = sum(member.size for member, _ in members)
            done = 0
            for number, (member, info) in enumerate(members):
                _write(opened, info, member, folder)
                done += member.size
                if number % _EVERY == 0:
                    tell(Progress(name, "unpack", done, total))
            tell(Progress(name, "unpack", done, total))
    except BROKEN as error:
        raise BrokenZip(f"{archive}: is no whole zip file: {error}.") from error
    return [member for member, _ in members]


def unpacked_size(archive: Path) -> int:
    """Give the bytes that a zip says it holds; 0 where it is broken."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return sum(info.file_size for info in opened.infolist())
    except (*BROKEN, OSError):
        return 0


def damaged(members: Iterator[Member], folder: Path, *, content: bool) -> str | None:
    """Name the first file that is not there as it was unpacked; None where all are."""
    for member in members:
        path = folder / member.path
        try:
            whole = path.stat().st_size == member.size
            if whole and content:
                with path.open("rb") as file:
                    whole = _crc(file) == member.crc
        except OSError:
            whole = False
        if not whole:
            return member.path
    return None


def _members(
    opened: zipfile.ZipFile, archive: Path, stem: str, limits: UnpackLimits
) -> list[tuple[Member, zipfile.ZipInfo]]:
    """Give the files of an archive by their place, or raise for the first that may not be."""
    infos = opened.infolist()
    _check_bomb(infos, archive, limits)
    for info in checked_members(opened, archive):
        if problem := packing_problem(info):
            raise InputError(f"{archive}: its member {info.filename!a} {problem}.")
    files = [i for i in infos if not i.is_dir() and not _JUNK.search(i.filename)]
    names = [plain(info.filename) for info in files]
    wrapping = _wrapping(names, stem)
    placed = {}
    for name, info in zip(names, files, strict=True):
        path = f"{stem}/{name.removeprefix(wrapping)}"
        if path in placed:
            raise InputError(f"{archive}: holds {path!a} twice; nothing was unpacked.")
        placed[path] = info
    for path in placed:
        above = path.rpartition("/")[0]
        while above:
            if above in placed:
                raise InputError(f"{archive}: {above!a} is both a file and a folder in it.")
            above = above.rpartition("/")[0]
    return [(Member(path, info.file_size, info.CRC), info) for path, info in placed.items()]


def _check_bomb(infos: list[zipfile.ZipInfo], archive: Path, limits: UnpackLimits) -> None:
    size = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    swollen = next(
        (
            info.filename
            for info in infos
            if info.file_size > MIB and info.file_size > limits.max_ratio * info.compress_size
        ),
        None,
    )
    said = None
    if len(infos) > limits.max_files:
        said = f"holds {len(infos):,} files; the limit is {limits.max_files:,} (max_files)"
    elif size > limits.max_bytes:
        said = f"unfolds to {size:,} bytes; the limit is {limits.max_bytes:,} (max_bytes)"
    elif swollen is not None or size > max(MIB, limits.max_ratio * packed):
        what = f"its member {swollen!a}" if swollen else "it"
        said = f"{what} unfolds to more than {limits.max_ratio:g} times its size (max_ratio)"
    if said is None:
        ends = sorted((info.header_offset, info.compress_size) for info in infos)
        for (start, length), (following, _) in itertools.pairwise(ends):
            if start + length > following:
                said = "has members that lie over each other"
    if said:
        raise InputError(f"{archive}: {said}: a bomb? Nothing was unpacked.")


def _wrapping(names: list[str], stem: str) -> str:
    """Give the folders that all names lie in, where the last is ``stem``; else nothing."""
    if not names:
        return ""
    folders = names[0].split("/")[:-1]
    if stem not in folders:
        return ""
    prefix = "/".join(folders[: folders.index(stem) + 1]) + "/"
    return prefix if all(name.startswith(prefix) for name in names) else ""


def _check_in_the_way(folder: Path, members: list[Member]) -> None:
    for member in members:
        path = folder / member.path
        if (found := _stat(path)) is None:
            continue
        if not stat.S_ISREG(found.st_mode) or found.st_size != member.size:
            raise InputError(
                f"{path}: is there already, and is not the published file; move it away. Nothing "
                "was unpacked over it."
            )


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise InputError(f"{path.parent}: is no folder; move it away.") from None


def _write(opened: zipfile.ZipFile, info: zipfile.ZipInfo, member: Member, folder: Path) -> None:
    path = folder / member.path
    if path.exists():
        with path.open("rb") as there:
            if _crc(there) == member.crc:
                return
        raise InputError(f"{path}: is there already with other content; move it away.")
    temporary = path.with_name(f"{TEMPORARY}unpacking")  # one a folder: a kill leaves no litter
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with opened.open(info) as packed, temporary.open("xb") as file:
            while block := packed.read(_BLOCK):  # checks the CRC at its end
                file.write(block)
        temporary.replace(path)


def _crc(file: IO[bytes]) -> int:
    crc = 0
    while block := file.read(_BLOCK):
        crc = zlib.crc32(block, crc)
    return crc
