"""Opens untrusted zips and checks all members before anything is unpacked."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import Path

from pipeline.errors import InputError
from skyscript.files.paths import member_problem

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(ValueError, RuntimeError, OverflowError, NotImplementedError),
)
"""The errors that `zipfile` raises for a damaged or truncated zip, or another file."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
_PLAIN = {0, stat.S_IFREG, stat.S_IFDIR}


class BrokenZip(InputError):
    """The file is not a complete zip."""


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open a zip. Raises `BrokenZip` if it is damaged, `InputError` if it cannot be read."""
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except BROKEN as error:
        raise BrokenZip(f"{path}: is not a zip file, or is cut off: {error}.") from error


def checked_members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """Give all members of a zip. Raises `InputError` that names the first unsafe member."""
    for member in archive.infolist():
        if member.header_offset < 0:  # the end of the zip gives a wrong position of the directory
            raise BrokenZip(f"{path}: is not a zip file, or is cut off: its directory is wrong.")
        # The original name: `filename` ends at a NUL.
        is_plain = stat.S_IFMT(member.external_attr >> 16) in _PLAIN
        if problem := member_problem(member.orig_filename, is_plain=is_plain):
            raise InputError(
                f"{path}: its member {member.orig_filename!a} {problem}; the zip is not used."
            )
    return archive.infolist()


def packing_problem(member: zipfile.ZipInfo) -> str | None:
    """Give the reason why a member cannot be unpacked; None if it can."""
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in _METHODS:
        return "is compressed by another method than deflate"
    return None
