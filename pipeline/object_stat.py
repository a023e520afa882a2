"""What a bucket says of an object, in the words of `os.stat` and `os.scandir`."""

from __future__ import annotations

import stat
from hashlib import blake2b
from typing import Any, NamedTuple


class ObjectStat(NamedTuple):
    """What `os.stat` says of a file, for an object."""

    st_size: int
    st_mtime_ns: int
    st_ino: int
    """A number of the object's version: another one after each write of other bytes."""

    @property
    def st_mode(self) -> int:
        """The mode of a plain file: an object is one."""
        return stat.S_IFREG

    @property
    def st_mtime(self) -> float:
        """Seconds since 1970 at which the object was written, by the clock of the storage."""
        return self.st_mtime_ns / 1e9


class ObjectVersion(NamedTuple):
    """One state of an object, by which a storage tells it from all others."""

    e_tag: str | None
    """What Amazon and Azure compare."""
    number: str | None
    """What Google compares, its generation."""


class ObjectEntry(NamedTuple):
    """An object in a folder, as `os.scandir` gives a file."""

    name: str
    path: str
    found: ObjectStat

    def stat(self) -> ObjectStat:
        """Give the size and time that the listing gave."""
        return self.found


def stat_of(meta: Any) -> ObjectStat:  # noqa: ANN401 - obstore's dict
    """Give what obstore says of an object, the same from its head and from a list.

    Lists of Azure have e-tags without quotes, and lists of Google times to the millisecond.
    """
    version = blake2b((meta["e_tag"] or "").strip('"').encode(), digest_size=8).digest()
    seconds = int(meta["last_modified"].timestamp())
    return ObjectStat(meta["size"], seconds * 10**9, int.from_bytes(version, "big"))
