"""A download from a local server that misbehaves: what comes is right, or nothing comes."""

import base64
import hashlib
import os

import pytest

from stages.download import choose, server
from tests.emulators.published import FileServer
from tests.stages.download.conftest import CSV, NAME, SYNC, Download, change_midway, noise, source


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


@pytest.mark.parametrize("status", ["408", "425", "429", "500", "502", "503", "504"])
def test_a_status_that_may_pass_is_asked_again(
    bucket: FileServer, bring: Download, status: str
) -> None:
    bucket.faults.planned.append(status)
    assert bring(CSV)[NAME].status == "fetched"
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
    new = change_midway(bucket)
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
