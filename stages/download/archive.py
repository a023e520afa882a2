"""Unpacking a zip of unknown origin into a folder that may hold other files.

The whole directory of the zip is checked before the first byte is written. Each member appears by
rename after its CRC is checked; one that exists already with this CRC is skipped, so an unpacking
that was killed can resume.
"""

from __future__ import annotations

import itertools
import re
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from pipeline.atomic import TEMPORARY, storage
from pipeline.errors import InputError
from skyscript.files.paths import normalise
from skyscript.files.zips import BROKEN, BrokenZip, checked_members, open_zip, packing_problem
from stages.download.config import MIB, UnpackLimits
from stages.download.receipts import StoredFile, crc32
from stages.download.transfer import Tell

_EVERY = 256
"""Number of members between two reports of progress."""
_JUNK = re.compile(r"(^|/)(__MACOSX(/|$)|\.DS_Store$|\._[^/]*$|Thumbs\.db$)")
"""Files that file managers leave in zips."""


def unpack(
    archive: Path, root: Path, place: str, limits: UnpackLimits, tell: Tell
) -> list[StoredFile]:
    """Unpack all files into ``root/place``, without the outer folders of its name in the zip.

    Raises `BrokenZip` if the zip is cut off or a checksum is wrong, and `InputError` if it must
    not be unpacked here; nothing of a hostile zip is written.
    """
    with open_zip(archive) as opened:
        members = _plan_files(opened, archive, place, limits)
        for stored in members:
            _check_free(root / stored.path, stored.size)
        done, total = 0, sum(stored.size for stored in members)
        for number, (stored, info) in enumerate(members.items()):
            _write(opened, info, root / stored.path)
            done += stored.size
            if number % _EVERY == 0 or done == total:
                tell(done, total)
    return list(members)


def _plan_files(
    opened: zipfile.ZipFile, archive: Path, place: str, limits: UnpackLimits
) -> dict[StoredFile, zipfile.ZipInfo]:
    """Map each file to write to its member of the zip. Raises `InputError` if it is not safe."""
    infos = checked_members(opened, archive)
    if problem := _find_excess(infos, limits):
        raise InputError(f"{archive}: {problem}: a zip bomb? Nothing was unpacked.")
    files: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = normalise(info.filename)
        if problem := packing_problem(info) or ("occurs twice" if name in files else None):
            raise InputError(
                f"{archive}: its member {info.filename!a} {problem}; nothing was unpacked."
            )
        if not info.is_dir() and not _JUNK.search(name):
            files[name] = info
    folders = {name.rpartition("/")[0] for name in files}
    above = {str(parent) for folder in folders for parent in PurePosixPath(folder).parents}
    if both := sorted((folders | above) & files.keys()):
        raise InputError(f"{archive}: {both[0]!a} is both a file and a folder in it.")
    outer = _find_outer_folders(list(files), PurePosixPath(place).name)
    return {
        StoredFile(f"{place}/{name.removeprefix(outer)}", info.file_size, info.CRC): info
        for name, info in files.items()
    }


def _find_excess(infos: list[zipfile.ZipInfo], limits: UnpackLimits) -> str | None:
    """Return the limit that the members exceed, in words; None if they exceed none."""
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


def _find_outer_folders(names: list[str], folder: str) -> str:
    """Return the path up to ``folder`` that all names share, or nothing."""
    if not names or folder not in (parents := names[0].split("/")[:-1]):
        return ""
    prefix = "/".join(parents[: parents.index(folder) + 1]) + "/"
    return prefix if all(name.startswith(prefix) for name in names) else ""


def _check_free(path: Path, size: int) -> None:
    """Check that no other file is in the place of a member. Raises `InputError`."""
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
        try:
            with opened.open(info) as packed, temporary.open("xb") as file:
                shutil.copyfileobj(packed, file, MIB)  # checks the CRC at the end
        except BROKEN as error:
            raise BrokenZip(f"{opened.filename}: is damaged: {error}.") from error
        temporary.replace(path)
