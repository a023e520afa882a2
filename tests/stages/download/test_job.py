"""A download from a local server that misbehaves: what comes is right, or nothing comes."""

import errno
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import LockError, StorageError
from stages.download.receipts import FOLDER, Receipts
from tests.emulators.published import FileServer
from tests.stages.download.conftest import CSV, PIECE, Download, noise

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
    assert not list(bring.root.rglob("*.data"))


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
    assert "a2_CH_19.jpg: is there already with other content" in outcome.said
    assert damaged.read_bytes() == noise(50_000, 99)


def test_a_zip_is_kept_where_asked_for(bring: Download) -> None:
    bring("images2", zips="keep")
    assert zipfile.is_zipfile(bring.root / "images2.zip")
    assert (bring.root / "images2/a0_CH_19.jpg").exists()
    assert bring("images2")["images2"].status == "there"


def test_the_receipt_tells_the_sha256_and_what_proved_the_bytes(
    bucket: FileServer, bring: Download
) -> None:
    import hashlib

    bring(CSV)
    (path,) = (bring.root / FOLDER).glob("*.receipt.json")
    receipt = json.loads(path.read_text())
    assert receipt["sha256"] == hashlib.sha256(source(bucket).read_bytes()).hexdigest()
    assert receipt["proof"] == ["MD5 of the server"]
    assert receipt["url"] == f"{bucket.base_url}{NAME}"


@pytest.mark.parametrize("says_part_size", [True, False])
def test_the_etag_of_an_upload_in_parts_is_computed(
    bucket: FileServer, bring: Download, says_part_size: bool
) -> None:
    bucket.part_size, bucket.says_part_size = 100_000, says_part_size
    said = bring(CSV)[NAME].said
    assert ("MD5s of the server's parts" in said) is says_part_size


def test_bytes_that_are_not_what_the_etag_says_are_thrown_away(
    bucket: FileServer, bring: Download
) -> None:
    bucket.wrong_etag = True
    outcome = bring(CSV)[NAME]
    assert outcome.status == "failed"
    assert "checksum" in outcome.said
    assert not (bring.root / CSV).exists()
    assert not list(bring.root.rglob("*.data"))


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


def test_a_server_that_gives_whole_files_only_and_knows_no_head(
    bucket: FileServer, bring: Download
) -> None:
    bucket.ranges = bucket.knows_head = False
    bucket.faults.planned.extend(["503"])
    assert bring(CSV, "aid")[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()


def test_a_server_without_head_that_gives_pieces(bucket: FileServer, bring: Download) -> None:
    bucket.knows_head = False
    assert bring(CSV)[NAME].status == "fetched"
    assert bucket.given > 300_000


def test_a_wrong_length_is_named_and_nothing_is_kept(bucket: FileServer, bring: Download) -> None:
    bucket.wrong_length, bucket.ranges = 10, False
    outcome = bring(CSV)[NAME]
    assert outcome.status == "failed"
    assert not (bring.root / CSV).exists()


def test_a_killed_download_fetches_only_the_pieces_that_are_missing(
    bucket: FileServer, bring: Download
) -> None:
    failing_after(bucket, 3)
    assert bring(CSV, connections=1)[NAME].status == "failed"
    bucket.refused.clear()
    bucket.given = 0
    assert bring(CSV)[NAME].status == "fetched"
    size = source(bucket).stat().st_size
    assert bucket.given == size - 3 * PIECE
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()


def test_a_piece_that_a_power_cut_left_wrong_is_fetched_again(
    bucket: FileServer, bring: Download
) -> None:
    failing_after(bucket, 3)
    bring(CSV, connections=1)
    bucket.refused.clear()
    (data,) = bring.root.rglob("*.data")
    with data.open("r+b") as file:
        file.seek(PIECE + 5)
        file.write(b"wrong")
    bucket.given = 0
    assert bring(CSV)[NAME].status == "fetched"
    assert bucket.given == source(bucket).stat().st_size - 2 * PIECE
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()


def test_a_file_that_changes_between_two_runs_is_begun_anew(
    bucket: FileServer, bring: Download
) -> None:
    failing_after(bucket, 3)
    bring(CSV, connections=1)
    bucket.refused.clear()
    new = noise(source(bucket).stat().st_size, 7)  # of the same length
    source(bucket).write_bytes(new)
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == new


@pytest.mark.parametrize("etags", [True, False])
def test_a_file_that_changes_midway_is_never_glued_together(
    bucket: FileServer, bring: Download, etags: bool
) -> None:
    bucket.etags = etags
    new = noise(source(bucket).stat().st_size, 7)

    def change() -> None:
        bucket.after_each = None
        source(bucket).write_bytes(new)
        os.utime(source(bucket), (1_700_000_000, 1_700_000_000))

    bucket.after_each = change
    assert bring(CSV, connections=1)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == new


def test_a_file_that_never_stays_the_same_is_given_up(bucket: FileServer, bring: Download) -> None:
    times = iter(range(1_600_000_000, 1_700_000_000))

    def change() -> None:
        os.utime(source(bucket), (0, next(times)))

    bucket.after_each = change
    assert "has changed 3 times" in bring(CSV, connections=1)[NAME].said


def failing_after(bucket: FileServer, pieces: int) -> None:
    """Let the server forbid the CSV after so many pieces."""
    left = [pieces]

    def count() -> None:
        left[0] -= 1
        if not left[0]:
            bucket.refused[f"dataframe/{CSV}"] = 403
            bucket.after_each = None

    bucket.after_each = count


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
    assert sentence in outcomes["images2"].said
    assert f"{bucket.base_url}images2.zip" in outcomes["images2"].said
    assert outcomes["benchmark/aid"].status == "fetched"


def test_no_network_is_one_sentence(bring: Download) -> None:
    outcome = bring(CSV, base_url="http://127.0.0.1:9/")[NAME]
    assert outcome.status == "failed"
    assert "cannot be reached" in outcome.said
    assert "--base-url" in outcome.said


def test_a_truncated_zip_is_named_and_comes_again_when_it_is_mended(
    bucket: FileServer, bring: Download
) -> None:
    assert bucket.files is not None
    path = bucket.files / "images2.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:100_000])
    outcome = bring("images2")["images2"]
    assert outcome.status == "failed"
    assert "is no whole zip file" in outcome.said
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
    assert "is there already" in outcomes[NAME].said
    assert (bring.root / CSV).read_text() == "filepath,title\nmine,mine\n"


def test_a_disk_that_is_too_small_is_told_before_anything_comes(
    bucket: FileServer, bring: Download
) -> None:
    bucket.wrong_length = 10**15
    with pytest.raises(StorageError, match=r"are needed.* are free"):
        bring("images2")
    assert bucket.given == 0


def test_a_disk_that_fills_up_midway_ends_it_in_one_sentence_and_what_came_stays(
    bucket: FileServer, bring: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, writes = os.pwrite, iter(range(4))

    def pwrite(*arguments: Any) -> int:
        if next(writes, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(StorageError, match="No space left on device"):
        bring(CSV, connections=1)
    monkeypatch.setattr(os, "pwrite", real)
    bucket.given = 0
    assert bring(CSV)[NAME].status == "fetched"
    assert 0 < bucket.given < source(bucket).stat().st_size


def test_one_download_at_a_time_in_a_root(bring: Download) -> None:
    with Receipts(bring.root).held(), pytest.raises(LockError, match="at work"):
        bring("aid")
