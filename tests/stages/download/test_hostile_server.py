"""Servers that lie or loop: the download ends, with the right bytes or with one sentence."""

import pytest

from tests.emulators.published import FileServer
from tests.stages.download.conftest import CSV, NAME, Download, change_midway, source

PAGE = b"  <!DOCTYPE html><html><body>Please log in.</body></html>"


def refusal(bring: Download, **options: object) -> str:
    outcome = bring(CSV, **options)[NAME]
    assert outcome.status == "failed"
    assert "\n" not in outcome.message
    assert CSV.split(".")[0] in outcome.message
    assert not (bring.root / CSV).exists()
    return outcome.message


def test_parts_without_bytes_end_the_download_after_some_attempts(
    bucket: FileServer, bring: Download
) -> None:
    bucket.empty_parts = True
    bucket.faults.planned.append("cut")
    assert "the response ended" in refusal(bring, attempts=3)
    assert len(bucket.desk.calls) < 10
    bucket.empty_parts = False
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "text/csv"])
@pytest.mark.parametrize("etags", [True, False])
def test_a_web_page_in_place_of_a_file_is_refused(
    bucket: FileServer, bring: Download, kind: str, etags: bool
) -> None:
    bucket.kind, bucket.etags = kind, etags
    source(bucket).write_bytes(PAGE)
    assert "sends a web page in place of the file" in refusal(bring)
    assert not list(bring.root.rglob("*.part"))


def test_a_web_page_in_place_of_a_zip_is_refused(bucket: FileServer, bring: Download) -> None:
    (bucket.files / "images2.zip").write_bytes(PAGE)
    outcome = bring("images2")["images2"]
    assert outcome.status == "failed"
    assert "sends a web page" in outcome.message


@pytest.mark.parametrize("knows_if_range", [True, False])
def test_parts_of_no_named_edition_are_never_spliced(
    bucket: FileServer, bring: Download, knows_if_range: bool
) -> None:
    bucket.etags, bucket.knows_if_range, bucket.unnamed_parts = False, knows_if_range, True
    new = change_midway(bucket)
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == new


def test_parts_of_no_named_edition_cost_a_new_beginning_only(
    bucket: FileServer, bring: Download
) -> None:
    bucket.unnamed_parts = True
    bucket.faults.planned.append("cut")
    assert bring(CSV)[NAME].status == "fetched"
    assert (bring.root / CSV).read_bytes() == source(bucket).read_bytes()


def test_redirects_in_a_loop_are_one_sentence_after_one_attempt(
    bucket: FileServer, bring: Download
) -> None:
    bucket.redirect = f"{bucket.base_url}dataframe/{CSV}"
    assert "redirects this address in a loop" in refusal(bring)
    assert len(bucket.desk.calls) < 40


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirects_to_what_is_no_web_address_are_refused(
    bucket: FileServer, bring: Download, where: str
) -> None:
    bucket.redirect = where
    assert "root:" not in refusal(bring)
    assert len(bucket.desk.calls) == 1


def test_a_packed_answer_is_refused_and_not_unpacked(bucket: FileServer, bring: Download) -> None:
    bucket.more_headers["Content-Encoding"] = "gzip"
    assert "the server packs the file (gzip), though it was asked not to" in refusal(bring)


@pytest.mark.parametrize("add", [-1000, 1000])
@pytest.mark.parametrize("etags", [True, False])
def test_a_length_that_lies_keeps_nothing(
    bucket: FileServer, bring: Download, add: int, etags: bool
) -> None:
    bucket.etags, bucket.wrong_length = etags, add
    refusal(bring, attempts=2)
