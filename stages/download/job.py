"""A download: checks what exists, fetches and verifies what is missing, and unpacks it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from pipeline.atomic import storage
from pipeline.errors import InputError, RemoteError, SkyScriptError, StorageError
from pipeline.events import TaskProgress
from pipeline.locks import exclusive_lock
from skyscript.files.zips import BrokenZip
from stages.download.archive import unpack
from stages.download.catalogue import Artefact
from stages.download.config import DownloadConfig
from stages.download.receipts import Receipts, StoredFile, Verified, verify
from stages.download.server import Edition, Server
from stages.download.transfer import Tell, Transfer, part_files

T = TypeVar("T")


class Outcome(NamedTuple):
    """The result for one artefact."""

    artefact: Artefact
    status: Literal["there", "fetched", "failed"]
    message: str


class _Stopped(SkyScriptError):
    """Another thread has failed or was interrupted."""


def download(
    artefacts: Sequence[Artefact],
    root: Path,
    config: DownloadConfig,
    report: Callable[[TaskProgress], None],
) -> list[Outcome]:
    """Download artefacts into a data root; return the outcome of each, in their order.

    An artefact that fails does not stop the others. ``report`` is called from several threads.
    Raises `StorageError` if the disk is too small, and `LockError` if another download is running
    in the data root.
    """
    receipts = Receipts(root)
    with exclusive_lock(receipts.folder / "_lock"), closing(Server(config)) as server:
        return _Job(server, receipts, config, report).run(artefacts)


@dataclass
class _Job:
    server: Server
    receipts: Receipts
    config: DownloadConfig
    report: Callable[[TaskProgress], None]
    stop: threading.Event = field(default_factory=threading.Event)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self, artefacts: Sequence[Artefact]) -> list[Outcome]:
        intact = self._each(artefacts, self._is_intact)
        missing = [artefact for artefact in artefacts if not intact.get(artefact.path, True)]
        editions = self._each(missing, lambda artefact: self.server.probe(artefact.path))
        found = [artefact for artefact in missing if artefact.path in editions]
        self._check_space([(artefact, editions[artefact.path].size or 0) for artefact in found])
        self._each(found, lambda artefact: self._obtain(artefact, editions[artefact.path]))
        return [self.outcomes[artefact.path] for artefact in artefacts]

    def _each(self, artefacts: Sequence[Artefact], task: Callable[[Artefact], T]) -> dict[str, T]:
        """Run a task for several artefacts in parallel. If it raises, that artefact has failed."""
        results: dict[str, T] = {}
        with ThreadPoolExecutor(self.config.connections) as threads:
            futures = {threads.submit(task, artefact): artefact for artefact in artefacts}
            try:
                for future in as_completed(futures):
                    artefact = futures[future]
                    try:
                        results[artefact.path] = future.result()
                    except StorageError:
                        raise
                    except SkyScriptError as error:
                        self.outcomes[artefact.path] = Outcome(artefact, "failed", str(error))
            except BaseException:
                self.stop.set()
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        return results

    def _is_intact(self, artefact: Artefact) -> bool:
        """Check the files on the receipt of an artefact, without the network."""
        tell = self._make_tell(artefact, "check")
        content = self.config.check == "content"
        if not self.receipts.is_intact(artefact.key, tell, content=content):
            return False
        self._remove_parts(artefact)  # present if a run was killed after it wrote the receipt
        self.outcomes[artefact.path] = Outcome(artefact, "there", "complete")
        return True

    def _check_space(self, missing: Sequence[tuple[Artefact, int]]) -> None:
        """Raise if the disk is too small, assuming that a zip grows little when it is unpacked."""
        zips = sorted((size for artefact, size in missing if artefact.is_zip), reverse=True)
        at_once = zips if self.config.zips == "keep" else zips[: self.config.connections]
        folder = self.receipts.folder
        parts = [path for artefact, _ in missing for path in part_files(folder, artefact.key)]
        have = sum(path.stat().st_size for path in parts)
        needed = sum(size for _, size in missing) + sum(at_once) - have
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise StorageError(
                f"{self.receipts.root}: the files need about {_format_size(needed)}, with what is "
                f"unpacked from them, and {_format_size(free)} are free. Free some space, choose "
                "fewer files, or another --to."
            )

    def _obtain(self, artefact: Artefact, edition: Edition) -> None:
        """Fetch an artefact, or take the file that the user has; unpack it; write the receipt."""
        root = self.receipts.root
        file = root / (f"{artefact.place}.zip" if artefact.is_zip else artefact.place)
        if file.exists():
            path, verified = file, self._adopt(artefact, file, edition)
        else:
            path, verified, edition = self._fetch(artefact, edition)
            if self.config.zips == "keep" or not artefact.is_zip:
                with storage(file):
                    file.parent.mkdir(parents=True, exist_ok=True)
                    path = path.replace(file)
        stored = self._unpack(artefact, path) if artefact.is_zip else []
        files = f", {len(stored):,} files" if artefact.is_zip else ""
        if path == file:
            name = file.relative_to(root).as_posix()
            stored.append(StoredFile(name, verified.size, verified.crc32))
        about = {
            "name": artefact.name,
            "url": self.server.url(artefact.path),
            "etag": edition.etag,
            "modified": edition.modified,
            "sha256": verified.sha256,
            "verified_by": verified.verified_by,
        }
        self.receipts.write(artefact.key, about, stored)
        self._remove_parts(artefact)
        message = f"{_format_size(verified.size)}{files}, verified by {verified.verified_by}"
        self.outcomes[artefact.path] = Outcome(artefact, "fetched", message)

    def _fetch(self, artefact: Artefact, edition: Edition) -> tuple[Path, Verified, Edition]:
        transfer = Transfer(
            self.server,
            artefact.path,
            self.receipts.folder,
            artefact.key,
            self.config.sync_every,
            self._make_tell(artefact, "fetch"),
        )
        part, edition = transfer.fetch(edition)
        try:
            verified = verify(part, edition, artefact, self._make_tell(artefact, "check"))
        except RemoteError as error:
            part.unlink()
            raise RemoteError(f"{error} Run the same command again.") from error
        return part, verified, edition

    def _adopt(self, artefact: Artefact, file: Path, edition: Edition) -> Verified:
        """Accept a file that the user already has, if it is the published one."""
        try:
            return verify(file, edition, artefact, self._make_tell(artefact, "check"))
        except RemoteError as error:
            raise InputError(
                f"{file}: already exists and is not the published file ({error}) Move it away."
            ) from error

    def _unpack(self, artefact: Artefact, archive: Path) -> list[StoredFile]:
        tell = self._make_tell(artefact, "unpack")
        try:
            return unpack(archive, self.receipts.root, artefact.place, self.config.limits, tell)
        except BrokenZip:
            self._remove_parts(artefact)
            raise

    def _remove_parts(self, artefact: Artefact) -> None:
        for path in part_files(self.receipts.folder, artefact.key):
            path.unlink()

    def _make_tell(self, artefact: Artefact, phase: str) -> Tell:
        def tell(done: int, total: int | None) -> None:
            if self.stop.is_set():
                raise _Stopped(f"{artefact.name}: was stopped; run the same command again.")
            self.report(TaskProgress(artefact.name, phase, done, total, "bytes"))

        return tell


def _format_size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
