"""A download from a local server that misbehaves: what comes is right, or nothing comes."""

import base64
import errno
import hashlib
import json
import os
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from pipeline.atomic import exclusive_lock
from pipeline.errors import LockError, StorageError
from pipeline.events import TaskProgress
from stages.download import choose, server
from stages.download.receipts import FOLDER
from tests.emulators.published import FileServer
from tests.stages.download.conftest import CSV, SYNC, Download, noise

NAME = f"dataframe/{CSV.removesuffix('.csv')}.csv"


def source(bucket: FileServer) -> Path:
    assert bucket.files is not None
    return bucket.files / "dataframe" / CSV


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


@pytest.mark.parametrize("name", ["Content-MD5", "x-goog-hash"])
@pytest.mark.parametrize("right", [True, False])
def test_an_md5_in_another_header_is_compared(
    bucket: FileServer, bring: Download, name: str, right: bool
) -> None:
    data = source(bucket).read_bytes() if right else b"other"
    value = base64.b64encode(hashlib.md5(data).digest()).decode()
    bucket.part_size = 100_000
    bucket.more_headers[name] = f"crc32c=AAAAAA==,md5={value}" if "goog" in name else value
    outcome = bring(CSV)[NAME]
    assert outcome.status == ("fetched" if right else "failed")
    assert ("verified by the server's MD5" if right else "MD5 checksum") in outcome.message


def test_without_an_md5_of_the_server_the_published_one_is_compared_else_the_size(
    bucket: FileServer, bring: Download
) -> None:
    bucket.part_size = 100_000  # the ETag of an upload in parts is no MD5 of the file
    (artefact,) = choose([CSV])
    outcome = bring.outcome(artefact)
    assert outcome.status == "failed"
    assert "but the published MD5 is c8d278fd29b754361989d5e7a6608f69" in outcome.message
    assert not (bring.root / CSV).exists()
    md5 = hashlib.md5(source(bucket).read_bytes()).hexdigest()
    assert "by the published MD5" in bring.outcome(artefact._replace(md5=md5)).message
    (bring.root / CSV).unlink()
    assert "by its size" in bring(CSV)[NAME].message


def test_bytes_that_are_not_what_the_etag_says_are_thrown_away(
    bucket: FileServer, bring: Download
) -> None:
    bucket.wrong_etag = True
    outcome = bring(CSV)[NAME]
    assert outcome.status == "failed"
    assert "checksum" in outcome.message
    assert not (bring.root / CSV).exists()
    assert not list(bring.root.rglob("*.part"))


def test_passing_errors_and_answers_that_break_off_are_overcome(
    bucket: FileServer, bring: Download
) -> None:
    bucket.faults.planned.extend(["503", "cut", "429", "cut", "500"])
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()
    assert not bucket.faults.planned


def test_whatever_goes_wrong_at_random_the_bytes_are_right(
    bucket: FileServer, bring: Download
) -> None:
    bucket.faults.share, bucket.faults.kinds = 0.4, ("503", "cut", "429", "500")
    for _ in range(8):  # a download that gives up goes on the next time
        if bring(CSV, attempts=2)[NAME].status == "fetched":
            break
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()


@pytest.mark.parametrize("fault", ["hang", "slow"])
def test_a_response_that_hangs_or_drips_is_abandoned_and_requested_again(
    bucket: FileServer, bring: Download, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SILENCE", 0.2)
    monkeypatch.setattr(server, "SLOWEST", 1e5)
    bucket.faults.planned.append(fault)
    assert bring(CSV)[NAME].status == "fetched"
    assert not bucket.faults.planned


def test_a_server_that_gives_whole_files_only_and_knows_no_head(
    bucket: FileServer, bring: Download
) -> None:
    bucket.ranges = bucket.knows_head = False
    bucket.faults.planned.extend(["503", "503", "cut"])
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()


def test_a_server_that_gives_whole_files_only_and_always_breaks_off_is_given_up(
    bucket: FileServer, bring: Download
) -> None:
    bucket.ranges = False
    bucket.faults.planned.extend(["cut"] * 20)
    outcome = bring(CSV, attempts=3)[NAME]
    assert outcome.status == "failed"
    assert f"{CSV}: the response broke off" in outcome.message
    assert not (bring.root / CSV).exists()


def test_a_server_without_head_that_gives_ranges(bucket: FileServer, bring: Download) -> None:
    bucket.knows_head = False
    bucket.faults.planned.extend(["503", "cut"])  # the first is for the question about the size
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()


def test_a_wrong_length_is_named_and_nothing_is_kept(bucket: FileServer, bring: Download) -> None:
    bucket.wrong_length = 10
    outcome = bring(CSV)[NAME]
    assert outcome.status == "failed"
    assert NAME in outcome.message
    assert not (bring.root / CSV).exists()


def test_a_download_that_broke_off_goes_on_by_range(bucket: FileServer, bring: Download) -> None:
    breaking_off(bucket, bring)
    (part,) = bring.root.rglob("*.part")
    assert part.stat().st_size >= 2 * SYNC
    assert bring(CSV)[NAME].status == "fetched"
    assert bucket.given == source(bucket).stat().st_size - SYNC  # two intervals before the end
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()
    assert not part.exists()


def test_bytes_that_a_power_cut_left_wrong_are_fetched_again(
    bucket: FileServer, bring: Download
) -> None:
    bucket.part_size = 100_000  # no MD5 could reveal them
    breaking_off(bucket, bring)
    (part,) = bring.root.rglob("*.part")
    with part.open("r+b") as file:
        file.seek(-SYNC, os.SEEK_END)
        file.write(bytes(SYNC))
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()


@pytest.mark.parametrize("knows_if_range", [True, False])
def test_a_file_that_changes_between_two_runs_is_begun_anew(
    bucket: FileServer, bring: Download, knows_if_range: bool
) -> None:
    bucket.knows_if_range = knows_if_range
    breaking_off(bucket, bring)
    new = noise(source(bucket).stat().st_size, 7)  # of the same length
    source(bucket).write_bytes(new)
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == new
    assert not list(bring.root.rglob("*.part"))


@pytest.mark.parametrize("knows_if_range", [True, False])
@pytest.mark.parametrize("etags", [True, False])
def test_a_file_that_changes_midway_is_never_spliced(
    bucket: FileServer, bring: Download, etags: bool, knows_if_range: bool
) -> None:
    bucket.etags, bucket.knows_if_range = etags, knows_if_range
    bucket.faults.planned.append("cut")
    new = noise(source(bucket).stat().st_size, 7)

    def change() -> None:
        bucket.after_each = None
        source(bucket).write_bytes(new)
        os.utime(source(bucket), (1_700_000_000, 1_700_000_000))

    bucket.after_each = change
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == new


def test_a_file_that_gets_shorter_midway_is_begun_anew(bucket: FileServer, bring: Download) -> None:
    bucket.etags = bucket.knows_if_range = False
    bucket.faults.planned.append("cut")

    def shorten() -> None:
        bucket.after_each = None
        source(bucket).write_bytes(b"filepath,title\n")

    bucket.after_each = shorten
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == b"filepath,title\n"


def test_a_file_that_never_stays_the_same_is_given_up(bucket: FileServer, bring: Download) -> None:
    bucket.faults.planned.extend(["cut"] * 20)
    times = iter(range(1_600_000_000, 1_700_000_000))

    def change() -> None:
        os.utime(source(bucket), (0, next(times)))

    bucket.after_each = change
    assert "has changed 3 times" in bring(CSV)[NAME].message


def breaking_off(bucket: FileServer, bring: Download) -> None:
    """Let a first download of the CSV end at about half of its bytes."""
    bucket.faults.planned.append("cut")
    bucket.after_each = lambda: bucket.refused.update({f"dataframe/{CSV}": 403})
    assert bring(CSV)[NAME].status == "failed"
    bucket.after_each = None
    bucket.refused.clear()
    bucket.given = 0


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(404, "has no such file"), (403, "not public"), (418, "418"), (503, "answers 503")],
)
def test_what_a_server_refuses_is_one_sentence_and_the_others_come(
    bucket: FileServer, bring: Download, status: int, sentence: str
) -> None:
    bucket.refused["images2.zip"] = status
    outcomes = bring("images2", "aid")
    assert outcomes["images2"].status == "failed"
    assert sentence in outcomes["images2"].message
    assert f"{bucket.base_url}images2.zip" in outcomes["images2"].message
    assert outcomes["benchmark/aid"].status == "fetched"


def test_no_network_is_one_sentence(bring: Download) -> None:
    outcome = bring(CSV, base_url="http://127.0.0.1:9/")[NAME]
    assert outcome.status == "failed"
    assert "cannot be reached" in outcome.message
    assert "--base-url" in outcome.message


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
