"""WebDataset shards: tars of samples ``KEY.jpg`` + ``KEY.txt`` and/or ``KEY.json``.

A tar from outside is untrusted. Nothing is unpacked to disk. The tar is rejected if a member leads
out of the archive or is a link, a device or sparse (a few bytes that expand to many).
"""

from __future__ import annotations

import functools
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError
from skyscript.files.pairs_csv import caption_or_none
from skyscript.files.paths import member_problem

IMAGES = ("jpg", "jpeg", "png", "webp")
MAX_TEXT = 1 << 20
"""Maximum bytes of a caption, of a JSON description and of a header."""
MAX_BYTES = 1 << 26
"""Maximum bytes of an image; a larger one is not read."""
MAX_SAMPLES = 1_000_000
"""Maximum samples in a tar, because the list of samples is in memory."""
_BLOCK = 512
_BROKEN = (tarfile.TarError, EOFError, ValueError, OverflowError, LookupError, TypeError)
"""The errors that `tarfile` raises for an invalid archive."""


class Member(NamedTuple):
    """A file in a tar, and the position of its bytes."""

    name: str
    offset: int
    size: int


class Sample(NamedTuple):
    """An image and its captions."""

    image: str
    """Name of the image member; the key if there is no image."""
    title: str | None
    multi: str | None
    more: tuple[str | None, ...] = ()
    """The captions that were asked for by their names."""


def find_tars(images: Path) -> list[Path]:
    """Give the tars of a path: a tar, a path with braces or a folder of tars; else none.

    Raises `InputError` if a tar does not exist, or if two have the same name.
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
        raise InputError(f"{images}: two tars have the same name, which would mix samples up.")
    return found


def members(path: Path) -> Iterator[Member]:
    """Give a tar's files. Raises `InputError` if the tar is broken or a member is unsafe.

    Reads only the headers. Skips members that belong to no sample (``__*__``, ``._*``, folders).
    """
    try:
        with _Headers(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            while (info := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined] # else tarfile keeps all of them in memory
                _check(path, info)
                base = info.name.rpartition("/")[2]
                if info.isreg() and not base.startswith(("._", "__")):
                    yield Member(info.name, info.offset_data, info.size)
            file.seek(tar.offset)
            if file.read(_BLOCK) != bytes(_BLOCK):  # tarfile takes invalid bytes for the end
                raise tarfile.ReadError("its end is missing")
    except (*_BROKEN, RecursionError) as error:
        raise InputError(f"{path}: is not an uncompressed tar, or is truncated: {error}.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None


class _Headers(io.FileIO):
    """A tar file that rejects long headers instead of reading them."""

    def read(self, size: int | None = -1) -> bytes:
        """Read bytes, at most `MAX_TEXT`."""
        if size is None or not 0 <= size <= MAX_TEXT:
            raise tarfile.ReadError("it has a header that is too long")
        return super().read(size) or b""


def _check(path: Path, info: tarfile.TarInfo) -> None:
    what = member_problem(info.name, is_plain=info.isreg() or info.isdir())
    if what is None and info.issparse():
        what = "is sparse"
    if what:
        raise InputError(f"{path}: its member {info.name!a} {what}; the tar is not used.")


def samples(path: Path, names: Sequence[str] = ()) -> Iterator[Sample]:
    """Give a tar's samples in order. As in WebDataset, the members of a key must be adjacent.

    ``names`` asks for further captions: ``title``, or any text of ``KEY.json``.

    Title: ``KEY.txt``, else ``title`` or ``caption`` of ``KEY.json``. Caption of all objects:
    ``title_multi_objects`` of ``KEY.json``. A name is cut at its first dot, as in WebDataset; but
    if that gives no image, it is cut at its last dot: ``a_0.6.jpg`` and ``a_0.7.jpg`` are two
    samples. Raises `InputError` that names the member at fault.
    """
    for key, parts, file in _groups(path):
        if not any(kind in parts for kind in IMAGES) and _has_dotted_images(parts):
            for dotted, own in _cut_at_last_dot(key, parts).items():
                yield _make_sample(path, file, dotted, own, names)
        else:
            yield _make_sample(path, file, key, parts, names)


def key_of(image: str) -> str:
    """Give the key of a sample by the name of its image, or by the key itself."""
    key, dot, kind = image.rpartition(".")
    return key if dot and kind.lower() in IMAGES else image


def _has_dotted_images(parts: dict[str, Member]) -> bool:
    return any(kind.rpartition(".")[2] in IMAGES for kind in parts)


def _cut_at_last_dot(key: str, parts: dict[str, Member]) -> dict[str, dict[str, Member]]:
    """Give the samples of files such as ``a_0.6.jpg`` and ``a_0.7.jpg``, by the last dot."""
    found: dict[str, dict[str, Member]] = {}
    for kind, member in parts.items():
        before, dot, last = member.name.rpartition(".")
        own = found.setdefault(before if dot else key, {})
        own[last.lower() if dot else kind] = member
    return found


def _groups(path: Path) -> Iterator[tuple[str, dict[str, Member], int]]:
    """Give the members of each key by kind, and the number of the open file."""
    seen: set[str] = set()
    with path.open("rb") as file:
        parts: dict[str, Member] = {}
        current = ""
        for member in members(path):
            key, kind = _split(member.name)
            if key != current:
                if parts:
                    yield current, parts, file.fileno()
                if len(seen) == MAX_SAMPLES:
                    raise InputError(f"{path}: contains over {MAX_SAMPLES:,} samples; split it.")
                if key in seen:
                    raise InputError(
                        f"{path}: the members of {key!a} are not adjacent, or the key occurs twice."
                    )
                seen.add(key)
                current, parts = key, {}
            if kind in parts:
                raise InputError(f"{path}: contains {member.name!a} twice.")
            parts[kind] = member
        if parts:
            yield current, parts, file.fileno()


def _split(name: str) -> tuple[str, str]:
    """Split a name into key and kind: ``a/b.c.txt`` -> ``a/b``, ``c.txt``."""
    folder, slash, base = name.rpartition("/")
    key, _, kind = base.partition(".")
    return folder + slash + key, kind.lower()


def _make_sample(
    path: Path, file: int, key: str, parts: dict[str, Member], names: Sequence[str]
) -> Sample:
    image = next((parts[kind].name for kind in IMAGES if kind in parts), key)
    title = _read_text(path, file, parts["txt"]).strip() if "txt" in parts else None
    described = _read_json(path, file, parts["json"]) if "json" in parts else {}
    title = title or described.get("title") or described.get("caption")
    captions = {name: caption_or_none(text) for name, text in described.items()}
    captions["title"] = caption_or_none(title)
    return Sample(
        image,
        captions["title"],
        captions.get("title_multi_objects"),
        tuple(captions.get(name) for name in names),
    )


def _read_text(path: Path, file: int, member: Member) -> str:
    if member.size > MAX_TEXT:
        raise InputError(f"{path}: its member {member.name!a} is too large for a caption.")
    try:
        return os.pread(file, member.size, member.offset).decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: its member {member.name!a} is not in UTF-8.") from None


def _read_json(path: Path, file: int, member: Member) -> dict[str, str]:
    try:
        value = json.loads(_read_text(path, file, member))
    except (ValueError, RecursionError):
        raise InputError(f"{path}: its member {member.name!a} is not JSON.") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: its member {member.name!a} is not a JSON object.")
    return {name: text.strip() for name, text in value.items() if isinstance(text, str)}


class TarImages:
    """Reads the images of a tar; threads and processes can share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._where = {f"{path.name}/{member.name}": member for member in members(path)}
        self._file = path.open("rb")

    def read(self, path: str) -> bytes:
        """Give the bytes of an image named ``shard.tar/KEY.jpg``."""
        member = self._where.get(path)
        if member is None:
            raise FileNotFoundError(path)
        if member.size > MAX_BYTES:
            raise OverflowError(path)
        return os.pread(self._file.fileno(), member.size, member.offset)

    def __reduce__(self) -> tuple[Callable[[Path], TarImages], tuple[Path]]:
        """Pickle the path only: each process opens the tar once."""
        return _open_cached, (self._path,)

    def __enter__(self) -> TarImages:
        """Give the open tar."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the tar."""
        self._file.close()


@functools.lru_cache(maxsize=1)
def _open_cached(path: Path) -> TarImages:
    return TarImages(path)
