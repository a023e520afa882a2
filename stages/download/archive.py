"""Unpacking a zip of unknown origin into a folder that may hold other files.

The whole directory of the zip is checked before the first byte is written. Each member appears by
rename after its CRC is checked; one that exists already with this CRC is skipped, so an unpacking
that was killed goes on where it stopped.
"""

from __future__ import annotations

import re
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from pipeline.atomic import TEMPORARY, storage
from pipeline.errors import InputError
from stages.download.config import MIB, UnpackLimits
from stages.download.receipts import StoredFile, crc32
from stages.download.transfer import Tell
from stages.download.zip_check import checked_members

_EVERY = 256
"""Members between two reports of progress."""
_JUNK = re.compile(r"(^|/)(__MACOSX(/|$)|\.DS_Store$|\._[^/]*$|Thumbs\.db$)")
"""Files that file managers leave in zips."""
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError)


class BrokenArchive(InputError):
    """The archive is no complete zip file."""


def unpack(
    archive: Path, root: Path, place: str, limits: UnpackLimits, tell: Tell
) -> list[StoredFile]:
    """Unpack all files into ``root/place``, without the outer folders of its name in the zip.

    Raises `BrokenArchive` if the zip is cut off or a checksum is wrong, and `InputError` if it must
    not be unpacked here; nothing of a hostile zip is written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _placed(opened, archive, place, limits)
            for stored in members:
                _check_free(root / stored.path, stored.size)
            done, total = 0, sum(stored.size for stored in members)
            for number, (stored, info) in enumerate(members.items()):
                _write(opened, info, root / stored.path)
                done += stored.size
                if number % _EVERY == 0 or done == total:
                    tell(done, total)
    except _BROKEN as error:
        raise BrokenArchive(f"{archive}: is not a complete zip file: {error}.") from error
    return list(members)


def _placed(
    opened: zipfile.ZipFile, archive: Path, place: str, limits: UnpackLimits
) -> dict[StoredFile, zipfile.ZipInfo]:
    """Return the files of a zip by the files they become; refuse a zip that is not safe."""
    infos = checked_members(opened, archive, limits)
    files = [info for info in infos if not info.is_dir() and not _JUNK.search(info.filename)]
    outer = _outer_folders([info.filename for info in files], PurePosixPath(place).name)
    return {
        StoredFile(f"{place}/{info.filename.removeprefix(outer)}", info.file_size, info.CRC): info
        for info in files
    }


def _outer_folders(names: list[str], folder: str) -> str:
    """Return the path up to ``folder`` that all names share, or nothing."""
    if not names or folder not in (parents := names[0].split("/")[:-1]):
        return ""
    prefix = "/".join(parents[: parents.index(folder) + 1]) + "/"
    return prefix if all(name.startswith(prefix) for name in names) else ""


def _check_free(path: Path, size: int) -> None:
    """Raise if another file is in the place of a member."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise InputError(f"{path.parent}: is not a folder; move it away.") from None
    if not stat.S_ISREG(found.st_mode) or found.st_size != size:
        raise InputError(
            f"{path}: already exists and is not the published file; move it away. Nothing was "
            "unpacked."
        )


def _write(opened: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> None:
    if path.exists():
        with path.open("rb") as file:
            if crc32(file) == info.CRC:
                return
        raise InputError(f"{path}: already exists with other content; move it away.")
    temporary = path.with_name(f"{TEMPORARY}unpacking")  # one per folder: a kill leaves no litter
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with opened.open(info) as packed, temporary.open("xb") as file:
            shutil.copyfileobj(packed, file, MIB)  # checks the CRC at the end
        temporary.replace(path)
