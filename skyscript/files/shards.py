"""WebDataset shards: tars of samples ``KEY.jpg`` + ``KEY.txt`` and/or ``KEY.json``.

A tar from outside is hostile until checked. Nothing is unpacked to disk; a member that leads out of
the archive, is a link, a device or sparse (a few bytes that claim to be many) refuses the tar.
"""

from __future__ import annotations

import functools
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError
from skyscript.files.paths import member_problem

IMAGES = ("jpg", "jpeg", "png", "webp")
MAX_TEXT = 1 << 20
"""A caption or a description larger than this is none; nor is a header of the tar."""
MAX_BYTES = 1 << 26
"""An image larger than this is not read."""
MAX_SAMPLES = 1_000_000
"""A tar of more is refused: what is known of a tar's samples is held in memory."""
_BLOCK = 512
_BROKEN = (tarfile.TarError, EOFError, ValueError, OverflowError, LookupError, TypeError)
"""What `tarfile` raises for archives that are none."""


class Member(NamedTuple):
    """A file in a tar: where its bytes lie."""

    name: str
    offset: int
    size: int


class Sample(NamedTuple):
    """A key's members."""

    image: str
    """Name of the image member; the key alone where there is none."""
    title: str | None
    multi: str | None


def find_tars(images: Path) -> list[Path]:
    """Give the tars that a path with braces, a tar or a folder of tars names; none for neither.

    Raises `InputError` if one is not there, or two have one name.
    """
    from braceexpand import braceexpand

    if images.is_dir():
        return sorted(images.glob("*.tar"))
    if images.suffix != ".tar":
        return []
    try:
        found = [Path(name) for name in braceexpand(str(images))]
    except ValueError:
        raise InputError(f"{images}: its braces do not match.") from None
    for tar in found:
        if not tar.is_file():
            raise InputError(f"{tar}: there is no such tar.")
    if len({tar.name for tar in found}) < len(found):
        raise InputError(f"{images}: two tars have one name, so their samples could be mixed up.")
    return found


def members(path: Path) -> Iterator[Member]:
    """Give a tar's files, or raise `InputError` where it is broken or any member is not to be had.

    Only headers are read; what is no sample's (``__*__``, ``._*``, folders) is passed over.
    """
    try:
        with _Headers(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            while (info := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined] # else it keeps them all
                _check(path, info)
                base = info.name.rpartition("/")[2]
                if info.isreg() and not base.startswith(("._", "__")):
                    yield Member(info.name, info.offset_data, info.size)
            file.seek(tar.offset)
            if file.read(_BLOCK) != bytes(_BLOCK):  # tarfile takes any nonsense for the end
                raise tarfile.ReadError("its end is missing")
    except (*_BROKEN, RecursionError) as error:
        raise InputError(f"{path}: is not a plain tar, or is cut off: {error}.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None


class _Headers(io.FileIO):
    """A tar of which headers are read: one that claims to be long is refused, not read."""

    def read(self, size: int | None = -1) -> bytes:
        """Read so many bytes."""
        if size is None or not 0 <= size <= MAX_TEXT:
            raise tarfile.ReadError("it has a header longer than any name")
        return super().read(size) or b""


def _check(path: Path, info: tarfile.TarInfo) -> None:
    what = member_problem(info.name, is_plain=info.isreg() or info.isdir())
    if what is None and info.issparse():
        what = "is sparse"
    if what:
        raise InputError(f"{path}: its member {info.name!a} {what}; nothing of the tar is used.")


def samples(path: Path) -> Iterator[Sample]:
    """Give a tar's samples in its order; members of one key stand together, as WebDataset has it.

    Title: ``KEY.txt``, else ``title`` or ``caption`` of ``KEY.json``; the other caption:
    ``title_multi_objects`` of ``KEY.json``. Raises `InputError` that names the member at fault.
    """
    seen: set[str] = set()
    with path.open("rb") as file:
        held: dict[str, Member] = {}
        current = ""
        for member in members(path):
            key, kind = _split(member.name)
            if key != current:
                if held:
                    yield _sample(path, file.fileno(), current, held)
                if len(seen) == MAX_SAMPLES:
                    raise InputError(f"{path}: holds over {MAX_SAMPLES:,} samples; cut it in two.")
                if key in seen:
                    raise InputError(
                        f"{path}: the members of {key!a} do not stand together, or it is there "
                        "twice."
                    )
                seen.add(key)
                current, held = key, {}
            if kind in held:
                raise InputError(f"{path}: holds {member.name!a} twice.")
            held[kind] = member
        if held:
            yield _sample(path, file.fileno(), current, held)


def _split(name: str) -> tuple[str, str]:
    """Give key and kind: ``a/b.c.txt`` is ``c.txt`` of ``a/b``."""
    folder, slash, base = name.rpartition("/")
    key, _, kind = base.partition(".")
    return folder + slash + key, kind.lower()


def _sample(path: Path, file: int, key: str, held: dict[str, Member]) -> Sample:
    image = next((held[kind].name for kind in IMAGES if kind in held), key)
    title = _text(path, file, held["txt"]).strip() if "txt" in held else None
    multi = None
    if "json" in held:
        described = _described(path, file, held["json"])
        title = title or described.get("title") or described.get("caption")
        multi = described.get("title_multi_objects")
    return Sample(image, title or None, multi)


def _text(path: Path, file: int, member: Member) -> str:
    if member.size > MAX_TEXT:
        raise InputError(f"{path}: its member {member.name!a} is larger than any caption.")
    try:
        return os.pread(file, member.size, member.offset).decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: its member {member.name!a} is not in UTF-8.") from None


def _described(path: Path, file: int, member: Member) -> dict[str, str]:
    try:
        value = json.loads(_text(path, file, member))
    except (ValueError, RecursionError):
        raise InputError(f"{path}: its member {member.name!a} is not JSON.") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: its member {member.name!a} is not a JSON object.")
    return {name: text.strip() for name, text in value.items() if isinstance(text, str)}


class TarImages:
    """Reads the images of a tar, from several threads or processes at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._where = {f"{path.name}/{member.name}": member for member in members(path)}
        self._file = path.open("rb")

    def read(self, path: str) -> bytes:
        """Give an image's bytes, by ``shard.tar/KEY.jpg``."""
        member = self._where.get(path)
        if member is None:
            raise FileNotFoundError(path)
        if member.size > MAX_BYTES:
            raise OverflowError(path)
        return os.pread(self._file.fileno(), member.size, member.offset)

    def __reduce__(self) -> tuple[Callable[[Path], TarImages], tuple[Path]]:
        """Let another process open the tar itself, once."""
        return _opened_again, (self._path,)

    def __enter__(self) -> TarImages:
        """Hold the tar open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._file.close()


@functools.lru_cache(maxsize=1)
def _opened_again(path: Path) -> TarImages:
    return TarImages(path)
