"""A download: what comes to lie where, what is there already, and what a local disk can refuse."""

import errno
import hashlib
import json
import os
import shutil
import zipfile
import zlib
from typing import Any

import pytest

from pipeline.errors import LockError, StorageError
from pipeline.events import TaskProgress
from pipeline.locks import exclusive_lock
from stages.download.receipts import FOLDER
from tests.emulators.published import FileServer
from tests.stages.download.conftest import CSV, NAME, SYNC, Download, noise, source


def test_csvs_benchmarks_and_images_come_to_lie_where_readers_look(
    bucket: FileServer, bring: Download
) -> None:
    outcomes = bring(CSV, "images2", "aid")
    assert {o.status for o in outcomes.values()} == {"fetched"}
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()
    assert (bring.root / "images2/a3_CH_19.jpg").read_bytes() == noise(50_000, 3)
    assert (bring.root / "benchmark/aid/classnames.txt").read_text() == "airport\n"
    assert not list(bring.root.rglob("._*"))
    assert not list(bring.root.rglob("*.zip"))
    assert not list(bring.root.rglob("*.part"))


def test_a_second_run_checks_what_is_there_and_asks_the_network_nothing(
    bucket: FileServer, bring: Download
) -> None:
    bring(CSV, "images2")
    before = len(bucket.desk.calls)
    outcomes = bring(CSV, "images2")
    assert {o.status for o in outcomes.values()} == {"there"}
    assert len(bucket.desk.calls) == before


def test_a_missing_or_damaged_unpacked_file_is_noticed_and_fetched_again(bring: Download) -> None:
    bring("images2")
    (bring.root / "images2/a1_CH_19.jpg").unlink()
    assert bring("images2")["images2"].status == "fetched"
    assert (bring.root / "images2/a1_CH_19.jpg").read_bytes() == noise(50_000, 1)
    damaged = bring.root / "images2/a2_CH_19.jpg"
    damaged.write_bytes(noise(50_000, 99))
    assert bring("images2", check="sizes")["images2"].status == "there"
    outcome = bring("images2")["images2"]
    assert outcome.status == "failed"
    assert "a2_CH_19.jpg: already exists with other content" in outcome.message
    assert damaged.read_bytes() == noise(50_000, 99)


def test_a_zip_is_kept_where_asked_for(bring: Download) -> None:
    bring("images2", zips="keep")
    assert zipfile.is_zipfile(bring.root / "images2.zip")
    assert (bring.root / "images2/a0_CH_19.jpg").exists()
    assert bring("images2")["images2"].status == "there"


def test_the_receipt_states_the_source_the_checksums_and_every_file(
    bucket: FileServer, bring: Download
) -> None:
    data = source(bucket).read_bytes()
    bring(CSV, "aid")
    about, *files = receipt(bring, f"dataframe__{CSV}")
    assert about["sha256"] == hashlib.sha256(data).hexdigest()
    assert about["verified_by"] == "the server's MD5"
    assert about["url"] == f"{bucket.base_url}{NAME}"
    assert about["bytes"] == len(data)
    assert files == [{"path": CSV, "size": len(data), "crc32": zlib.crc32(data)}]
    _, *files = receipt(bring, "benchmark__aid")
    table = "benchmark/aid/aid_img_txt_pairs_test.csv"
    assert [file["path"] for file in files] == [table, "benchmark/aid/classnames.txt"]


def receipt(bring: Download, key: str) -> list[dict[str, Any]]:
    lines = (bring.root / FOLDER / f"{key}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_damaged_receipt_is_no_receipt(bucket: FileServer, bring: Download) -> None:
    bring("images2")
    path = bring.root / FOLDER / "images2.jsonl"
    for damaged in (path.read_text()[:-40], path.read_text().rpartition("{")[0], ""):
        path.write_text(damaged)
        assert bring("images2")["images2"].status == "fetched"


def test_an_interrupted_unpacking_goes_on_in_the_next_run(
    bucket: FileServer, bring: Download
) -> None:
    def interrupt(progress: TaskProgress) -> None:
        if progress.phase == "unpack":
            raise KeyboardInterrupt

    silent, bring.report = bring.report, interrupt
    with pytest.raises(KeyboardInterrupt):
        bring("images2")
    first = bring.root / "images2/a0_CH_19.jpg"
    inode = first.stat().st_ino
    assert not list((bring.root / FOLDER).glob("*.jsonl"))
    bring.report, bucket.given = silent, 0
    assert bring("images2")["images2"].status == "fetched"
    assert bucket.given <= 2 * SYNC
    assert first.stat().st_ino == inode
    assert (bring.root / "images2/a4_CH_19.jpg").read_bytes() == noise(50_000, 4)


def test_the_progress_of_each_phase_ends_at_its_total(bring: Download) -> None:
    last: dict[str, tuple[int, int | None]] = {}

    def note(progress: TaskProgress) -> None:
        last[f"{progress.task} {progress.phase}"] = progress.done, progress.total

    bring.report = note
    bring("images2")
    bring("images2")
    assert list(last) == ["images2 fetch", "images2 check", "images2 unpack"]
    assert all(done == total for done, total in last.values())
    assert last["images2 unpack"] == last["images2 check"] == (250_000, 250_000)


def test_a_truncated_zip_is_named_and_comes_again_when_it_is_mended(
    bucket: FileServer, bring: Download
) -> None:
    assert bucket.files is not None
    path = bucket.files / "images2.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:100_000])
    outcome = bring("images2")["images2"]
    assert outcome.status == "failed"
    assert "is not a zip file, or is cut off" in outcome.message
    assert not (bring.root / "images2").exists()
    path.write_bytes(whole)
    assert bring("images2")["images2"].status == "fetched"


def test_a_file_of_the_users_that_is_the_published_one_is_taken_and_one_that_is_not_stays(
    bucket: FileServer, bring: Download
) -> None:
    assert bucket.files is not None
    bring.root.mkdir()
    shutil.copy(bucket.files / "images2.zip", bring.root)
    (bring.root / CSV).write_text("filepath,title\nmine,mine\n")
    outcomes = bring("images2", CSV)
    assert outcomes["images2"].status == "fetched"
    assert bucket.given == 0
    assert (bring.root / "images2.zip").exists()
    assert outcomes[NAME].status == "failed"
    assert "already exists and is not the published file" in outcomes[NAME].message
    assert (bring.root / CSV).read_text() == "filepath,title\nmine,mine\n"


def test_a_disk_that_is_too_small_is_told_before_anything_comes(
    bucket: FileServer, bring: Download
) -> None:
    bucket.wrong_length = 10**15
    with pytest.raises(StorageError, match=r"need about .* are free"):
        bring("images2")
    assert bucket.given == 0


def test_a_disk_that_fills_up_midway_ends_in_one_sentence_and_the_bytes_so_far_stay(
    bucket: FileServer, bring: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, syncs = os.fsync, iter(range(2))

    def fsync(file: int) -> None:
        if next(syncs, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageError, match="No space left on device"):
        bring(CSV)
    monkeypatch.setattr(os, "fsync", real)
    bucket.given = 0
    assert bring(CSV)[NAME].status == "fetched"
    assert 0 < bucket.given < source(bucket).stat().st_size


def test_a_hostile_zip_is_refused_and_nothing_of_it_is_written(
    bucket: FileServer, bring: Download
) -> None:
    with zipfile.ZipFile(bucket.files / "images3.zip", "w") as archive:
        archive.writestr("images3/a1_CH_19.jpg", noise(999))
        archive.writestr("images3/../../escape.jpg", noise(999))
    outcomes = bring("images3", "aid")
    assert outcomes["images3"].status == "failed"
    assert "escape.jpg" in outcomes["images3"].message
    assert not (bring.root / "images3").exists()
    assert not list(bring.root.parent.rglob("escape.jpg"))
    assert outcomes["benchmark/aid"].status == "fetched"


def test_one_download_at_a_time_in_a_root(bring: Download) -> None:
    lock = exclusive_lock(bring.root / FOLDER / "_lock")
    with lock, pytest.raises(LockError, match="uses this folder"):
        bring("aid")
