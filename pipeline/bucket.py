"""Objects of a bucket, with the methods of `pathlib.Path` that the pipeline uses.

S3, Google Cloud Storage and Azure Blob Storage, by obstore. Endpoint and credentials come from the
environment variables of each service, such as ``AWS_ENDPOINT_URL`` and ``AWS_ACCESS_KEY_ID``. A
write is one object that appears whole or not at all, so nothing is renamed. There are no folders:
a folder is the part of the keys before a slash.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.addresses import BUCKET
from pipeline.errors import ConfigError
from pipeline.object_reader import read_in_pieces
from pipeline.object_stat import ObjectEntry, ObjectStat, ObjectVersion, stat_of
from pipeline.requests_to_bucket import Result, answered, ask, attempts, connect

if TYPE_CHECKING:
    from obstore import Bytes, ListResult, ObjectMeta, PutMode
    from obstore.store import ObjectStore

_AT_ONCE = 1_000
"""Objects in one request to list or to remove."""
_WHOLE = 16 * 2**20
"""Objects up to this size in bytes are read by one request."""


@dataclass(frozen=True, order=True)
class BucketPath:
    """A place in a bucket: an object, or the folder of all objects whose keys begin with it."""

    bucket: str
    """The address of the bucket: ``s3://name``."""
    key: str
    """Without a slash at either end; empty for the bucket itself."""

    @classmethod
    def parse(cls, address: str) -> BucketPath | None:
        """Read ``s3://bucket/key``; None if it is no address of a bucket.

        Raises `ConfigError` if the key has "..", or if obstore is not installed.
        """
        match = BUCKET.fullmatch(address)
        if match is None:
            return None
        parts = [part for part in (match[3] or "").split("/") if part not in {"", "."}]
        if ".." in parts:
            raise ConfigError(f"{address}: an address of a bucket cannot contain '..'")
        try:
            import obstore  # noqa: F401 - whether it is installed
        except ImportError:
            raise ConfigError(
                f"{address}: buckets need the extra `storage`: pip install 'skyscript[storage]'"
            ) from None
        return cls(f"{match[1]}://{match[2]}", "/".join(parts))

    def __str__(self) -> str:
        """Give the address."""
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    def __truediv__(self, name: str | PurePosixPath) -> BucketPath:
        """Give a place below this one."""
        return BucketPath(self.bucket, f"{self.key}/{name}".strip("/"))

    @property
    def name(self) -> str:
        """The last part of the key."""
        return PurePosixPath(self.key).name

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.key).stem

    @property
    def parent(self) -> BucketPath:
        """The folder with this place."""
        return BucketPath(self.bucket, self.key.rpartition("/")[0])

    def absolute(self) -> BucketPath:
        """Give this place: an address depends on no working directory."""
        return self

    def resolve(self) -> BucketPath:
        """Give this place: a bucket has no links."""
        return self

    def with_name(self, name: str) -> BucketPath:
        """Give the place with another name in the same folder."""
        return self.parent / name

    def exists(self) -> bool:
        """Tell whether there is an object, or any object below."""
        return self.is_file() or self.is_dir()

    def is_dir(self) -> bool:
        """Tell whether there is any object below."""
        return next(self.objects(at_once=1), None) is not None

    def is_file(self) -> bool:
        """Tell whether there is an object."""
        try:
            return bool(self.key and self.stat())
        except FileNotFoundError:
            return False

    def stat(self) -> ObjectStat:
        """Give size and time of an object. Raises `FileNotFoundError`."""
        import obstore

        return stat_of(self._ask(lambda store: obstore.head(store, self.key)))

    def read_bytes(self) -> bytes:
        """Read an object. Raises `FileNotFoundError`."""
        import obstore

        return self._ask(lambda store: bytes(obstore.get(store, self.key).bytes()))

    def open(self, mode: str = "rb") -> io.BufferedReader | io.BytesIO:
        """Open an object to read its bytes; a large one is read piece by piece."""
        import obstore

        if mode != "rb":
            raise ValueError(f"{self}: an object cannot be opened in mode {mode!r}")

        def begin(store: ObjectStore) -> io.BytesIO | int:
            got = obstore.get(store, self.key)
            size = got.meta["size"]
            return io.BytesIO(got.bytes()) if size <= _WHOLE else size

        begun = self._ask(begin)
        return read_in_pieces(self.read_piece, begun) if isinstance(begun, int) else begun

    def read_piece(self, start: int, end: int) -> Bytes:
        """Read the bytes from ``start`` to ``end``."""
        import obstore

        return self._ask(lambda store: obstore.get_range(store, self.key, start=start, end=end))

    def write_bytes(self, data: bytes) -> None:
        """Write an object, which appears whole or not at all."""
        self._put(data)

    def write_from(self, file: Path) -> None:
        """Write an object from a file, in parts if it is large; it appears when all are there."""
        self._put(file)

    def write_if(self, data: bytes, version: ObjectVersion | None) -> ObjectVersion | None:
        """Write an object if it has this version, or if there is none and it is None.

        Returns the new version; None if the object has another one, which may be this one if the
        write was done and then repeated.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: PutMode = "create"
        if version is not None:
            mode = {"e_tag": version.e_tag}
            if version.number is not None:
                mode["version"] = version.number
        try:
            done = self._ask(lambda store: obstore.put(store, self.key, data, mode=mode))
            return ObjectVersion(done["e_tag"], done["version"])
        except (AlreadyExistsError, PreconditionError):
            return None

    def append(self, data: bytes) -> None:
        """Write an object with some bytes more; of several processes, each gets its bytes in."""
        before, version, _ = self.read_version() or (b"", None, 0)
        while self.write_if(before + data, version) is None:
            now, version, _ = self.read_version() or (b"", None, 0)
            if now == before + data:
                return
            before = now

    def read_version(self) -> tuple[bytes, ObjectVersion, float] | None:
        """Give an object's bytes, its version and the second it was written; or None."""
        import obstore

        def read(store: ObjectStore) -> tuple[bytes, ObjectVersion, float]:
            got = obstore.get(store, self.key)
            version = ObjectVersion(got.meta["e_tag"], got.meta["version"])
            return bytes(got.bytes()), version, stat_of(got.meta).st_mtime

        try:
            return self._ask(read)
        except FileNotFoundError:
            return None

    def unlink(self, missing_ok: bool = True) -> None:  # noqa: ARG002 - as pathlib's
        """Remove an object; that there is none is no error, as Amazon does not say it."""
        self._remove([self.key])

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Do nothing: a bucket has no folders of its own."""

    def iterdir(self) -> Iterator[BucketPath]:
        """Yield the objects and folders right below, in order."""
        found = self._list()
        names = [*found["common_prefixes"], *(meta["path"] for meta in found["objects"])]
        yield from (BucketPath(self.bucket, name) for name in sorted(names))

    def scan(self) -> Iterator[ObjectEntry]:
        """Yield the objects right below, with size and time."""
        for meta in self._list()["objects"]:
            place = BucketPath(self.bucket, meta["path"])
            yield ObjectEntry(place.name, str(place), stat_of(meta))

    def glob(self, pattern: str) -> Iterator[BucketPath]:
        """Yield the objects and folders below that fit a pattern such as ``_*/part-*.json``.

        ``**`` stands for any folders, before the pattern of a name.
        """
        first, _, rest = pattern.partition("/")
        if first == "**":
            inside = (place for place, _ in self.objects())
            yield from (place for place in inside if fnmatchcase(place.name, rest))
            return
        if not any(sign in first for sign in "*?["):
            below = [self / first]
        else:
            below = [place for place in self.iterdir() if fnmatchcase(place.name, first)]
        for place in below:
            if rest:
                yield from place.glob(rest)
            elif place.exists():
                yield place

    def objects(self, at_once: int = _AT_ONCE) -> Iterator[tuple[BucketPath, int]]:
        """Yield all objects below at any depth, with their sizes in bytes."""
        yield from ((place, found.st_size) for place, found in self.states(at_once))

    def states(self, at_once: int = _AT_ONCE) -> Iterator[tuple[BucketPath, ObjectStat]]:
        """Yield all objects below at any depth, with what a list says of them."""
        import obstore

        last: str | None = None
        with answered(self.bucket, self.key):
            for attempt in attempts():
                with attempt:
                    store, folder = connect(self.bucket), self.key or None
                    parts = obstore.list(store, folder, offset=last, chunk_size=at_once)
                    for meta in itertools.chain.from_iterable(parts):
                        last = meta["path"]
                        yield BucketPath(self.bucket, last), stat_of(meta)

    def remove_all(self) -> None:
        """Remove all objects below."""
        keys = [place.key for place, _ in self.objects()]
        for start in range(0, len(keys), _AT_ONCE):
            self._remove(keys[start : start + _AT_ONCE])

    def _remove(self, keys: Sequence[str]) -> None:
        """Remove objects; some may be gone, as a removal that was done may be repeated."""
        import obstore

        try:
            self._ask(lambda store: obstore.delete(store, keys))
        except FileNotFoundError:  # Google stops at the first object that is gone
            for key in keys if len(keys) > 1 else ():
                self._remove([key])

    def _list(self) -> ListResult[Sequence[ObjectMeta]]:
        import obstore

        return self._ask(lambda store: obstore.list_with_delimiter(store, self.key or None))

    def _put(self, content: bytes | Path) -> None:
        import obstore

        self._ask(lambda store: obstore.put(store, self.key, content))

    def _ask(self, request: Callable[[ObjectStore], Result]) -> Result:
        return ask(self.bucket, self.key, request)
