"""A download: what is there is checked, what is missing is fetched, checked and unpacked."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from pipeline.atomic import storage
from pipeline.errors import InputError, RemoteError, SkyScriptError, StorageError
from skyscript.files.zips import BrokenZip
from stages.download.archive import Member, unpack, unpacked_size
from stages.download.catalogue import Artefact
from stages.download.checksums import Checked, check
from stages.download.config import DownloadConfig
from stages.download.partial import Partial
from stages.download.progress import Progress, Tell
from stages.download.receipts import Receipt, Receipts
from stages.download.remote import Seen, Server
from stages.download.transfer import Context, Stopped, fetch

T = TypeVar("T")


class Outcome(NamedTuple):
    """What became of an artefact."""

    artefact: Artefact
    status: Literal["there", "fetched", "failed"]
    said: str


def download(
    artefacts: Sequence[Artefact], root: Path, config: DownloadConfig, tell: Tell
) -> list[Outcome]:
    """Bring artefacts into a data root; give what became of each, in their order.

    One that fails does not stop the others. Raises `StorageError` where the disk is too small, and
    `LockError` where another download is at work in the root.
    """
    receipts = Receipts(root)
    stop = threading.Event()
    server = Server(
        config.base_url,
        connections=config.connections,
        attempts=config.attempts,
        longest_wait=config.longest_wait,
    )
    with receipts.held(), server, ThreadPoolExecutor(config.connections) as pool:
        context = Context(server, pool, stop, config.piece, tell)
        job = _Job(context, receipts, config)
        try:
            return job.run(artefacts)
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Job:
    def __init__(self, context: Context, receipts: Receipts, config: DownloadConfig) -> None:
        self._context, self._receipts, self._config = context, receipts, config
        self._root = receipts.root
        self._outcomes: dict[str, Outcome] = {}

    def run(self, artefacts: Sequence[Artefact]) -> list[Outcome]:
        missing = self._each(artefacts, self._is_missing)
        wanted = [artefact for artefact in artefacts if missing.get(artefact.path)]
        seen = self._each(wanted, lambda artefact: self._context.server.probe(artefact.path))
        wanted = [artefact for artefact in wanted if artefact.path in seen]
        self._check_space([(artefact, seen[artefact.path].size or 0) for artefact in wanted])
        self._each(wanted, lambda artefact: self._bring(artefact, seen[artefact.path]))
        return [self._outcomes[artefact.path] for artefact in artefacts]

    def _each(self, artefacts: Sequence[Artefact], task: Callable[[Artefact], T]) -> dict[str, T]:
        """Do a task for some artefacts at once; those for which it raises have failed."""
        found: dict[str, T] = {}
        with ThreadPoolExecutor(self._config.files) as threads:
            futures = {threads.submit(task, artefact): artefact for artefact in artefacts}
            try:
                for future in as_completed(futures):
                    artefact = futures[future]
                    try:
                        found[artefact.path] = future.result()
                    except StorageError:
                        raise
                    except SkyScriptError as error:
                        self._outcomes[artefact.path] = Outcome(artefact, "failed", str(error))
            except BaseException:
                self._context.stop.set()
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        return found

    def _is_missing(self, artefact: Artefact) -> bool:
        """Check what there is of an artefact, by its receipt; the network is not asked."""
        key = _key(artefact)
        receipt = self._receipts.read(key)
        if receipt is None:
            return True
        self._tell(artefact, "check", 0, receipt.size)
        folder = (self._root / artefact.place).parent
        wrong = self._receipts.wrong(key, receipt, folder, self._config.check)
        if wrong is not None:
            return True
        Partial(self._receipts.folder, key).drop()  # left over where a run was killed at its end
        self._outcomes[artefact.path] = Outcome(artefact, "there", "as it came")
        return False

    def _check_space(self, wanted: Sequence[tuple[Artefact, int]]) -> None:
        """Raise where the disk has no room; a zip is taken to unfold to about its own size."""
        zips = sorted((size for artefact, size in wanted if artefact.is_zip), reverse=True)
        at_once = zips if self._config.zips == "keep" else zips[: self._config.files]
        held = sum(Partial(self._receipts.folder, _key(a)).held() for a, _ in wanted)
        needed = sum(size for _, size in wanted) + sum(at_once) - held
        free = shutil.disk_usage(self._receipts.folder).free
        if needed > free:
            raise StorageError(
                f"{self._root}: about {_size(needed)} are needed, zips and what they unfold to, "
                f"and {_size(free)} are free. Free some space, choose fewer, or another --to."
            )

    def _bring(self, artefact: Artefact, seen: Seen) -> None:
        place = self._root / artefact.place
        file = place.with_name(f"{place.name}.zip") if artefact.is_zip else place
        partial = Partial(self._receipts.folder, _key(artefact))
        try:
            if file.exists():
                held, checked = file, self._adopt(artefact, file, seen)
            else:
                seen = fetch(self._context, artefact.name, artefact.path, partial, seen)
                held, checked = partial.data, self._checked(artefact, partial, seen)
                if self._config.zips == "keep" or not artefact.is_zip:
                    held = _moved(partial, file)
            members = self._unpacked(artefact, held, place, partial) if artefact.is_zip else []
        except Stopped:
            raise RemoteError(
                f"{artefact.name}: was stopped; run the same command again."
            ) from None
        url = self._context.server.url(artefact.path)
        kept = None if held == partial.data else str(held.relative_to(self._root))
        receipt = Receipt(
            artefact.name,
            url,
            checked.size,
            seen.etag,
            seen.modified,
            checked.sha256,
            checked.md5,
            checked.proof,
            kept,
            len(members) if artefact.is_zip else None,
        )
        self._receipts.write(_key(artefact), receipt, members)
        partial.drop()
        self._outcomes[artefact.path] = Outcome(artefact, "fetched", _said(receipt))

    def _checked(self, artefact: Artefact, partial: Partial, seen: Seen) -> Checked:
        try:
            return self._check(artefact, partial.data, seen)
        except RemoteError:
            partial.drop()
            raise

    def _check(self, artefact: Artefact, path: Path, seen: Seen) -> Checked:
        def tell(done: int) -> None:
            if self._context.stop.is_set():
                raise Stopped
            self._tell(artefact, "check", done, seen.size)

        url = self._context.server.url(artefact.path)
        return check(path, seen, artefact.md5, url, tell)

    def _adopt(self, artefact: Artefact, file: Path, seen: Seen) -> Checked:
        """Take a file that the user has brought, where it is the published one."""
        try:
            return self._check(artefact, file, seen)
        except RemoteError as error:
            raise InputError(
                f"{file}: is there already, and is not what is published ({error}) Move it away."
            ) from error

    def _unpacked(
        self, artefact: Artefact, archive: Path, place: Path, partial: Partial
    ) -> list[Member]:
        free = shutil.disk_usage(self._receipts.folder).free
        if (size := unpacked_size(archive)) > free and not place.exists():
            raise StorageError(
                f"{archive}: unfolds to {_size(size)}, and {_size(free)} are free. Free some "
                "space and run the same command again; the zip stays."
            )

        def tell(progress: Progress) -> None:
            if self._context.stop.is_set():
                raise Stopped
            self._context.tell(progress)

        limits = self._config.limits
        try:
            return unpack(archive, place.parent, place.name, limits, tell, artefact.name)
        except BrokenZip:
            if archive == partial.data:
                partial.drop()
            raise

    def _tell(
        self, artefact: Artefact, phase: Literal["fetch", "check"], done: int, total: int | None
    ) -> None:
        self._context.tell(Progress(artefact.name, phase, done, total))


def _moved(partial: Partial, file: Path) -> Path:
    with storage(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.data.replace(file)
    partial.forget_journal()
    return file


def _key(artefact: Artefact) -> str:
    return artefact.name.replace("/", "__")


def _said(receipt: Receipt) -> str:
    proof = ", ".join(receipt.proof) or "its length (the server tells no checksum)"
    files = "" if receipt.unpacked is None else f", {receipt.unpacked:,} files"
    return f"{_size(receipt.size)}{files}, proved by {proof}"


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError
