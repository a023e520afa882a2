"""Receipts are read once while their files do not change."""

from pathlib import Path

import pytest

from pipeline import receipts
from pipeline.atomic import write_sealed_json
from pipeline.receipts import Receipt, numbered_files, read_receipts


def receipt(shard: int, rows: int = 5) -> Receipt:
    ids = {"images": f"{shard:032x}"}
    counts = {"ok": rows - 1, "failed": 1}
    return Receipt("s", shard, "f", ids, "o", 9, rows, counts, {"timeout": 1}, 0.5, "here")


def write(folder: Path, *given: Receipt) -> None:
    for each in given:
        write_sealed_json(folder / f"{each.shard:05d}.json", each.fields())


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    write(tmp_path, receipt(100_000), receipt(2), receipt(10))
    assert list(read_receipts(tmp_path)) == [2, 10, 100_000]
    assert read_receipts(tmp_path)[10] == receipt(10)


def test_only_changed_files_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, *map(receipt, range(4)))
    read_receipts(tmp_path)
    read: list[str] = []
    real = receipts.read_sealed_json
    monkeypatch.setattr(
        receipts, "read_sealed_json", lambda path: (read.append(path.name), real(path))[1]
    )
    write(tmp_path, receipt(1, rows=7), receipt(9))
    (tmp_path / "00002.json").unlink()
    damaged = (tmp_path / "00003.json").read_bytes()
    (tmp_path / "00003.json").write_bytes(damaged.replace(b"here", b"hare"))
    assert read_receipts(tmp_path) == {0: receipt(0), 1: receipt(1, rows=7), 9: receipt(9)}
    assert read == ["00001.json", "00003.json", "00009.json"]


def test_the_receipts_in_memory_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "MOST_IN_MEMORY", 5)
    monkeypatch.setattr(receipts, "_known", receipts._Known())
    for name in "abc":
        write(tmp_path / name, *map(receipt, range(3)))
        assert len(read_receipts(tmp_path / name)) == 3
    assert list(receipts._known) == [str(tmp_path / "c")]
    write(tmp_path / "small", *map(receipt, range(2)))
    read_receipts(tmp_path / "small")
    assert list(receipts._known) == [str(tmp_path / "c"), str(tmp_path / "small")]


def test_totals_sum_up_status_and_reasons() -> None:
    found = receipts.totals({0: receipt(0), 1: receipt(1, rows=3)})
    assert found.rows == 8
    assert found.status == {"ok": 6, "failed": 2}
    assert found.reasons == {"timeout": 2}


def test_other_files_have_no_number(tmp_path: Path) -> None:
    for name in ("00001.json", ".tmp-1-00002.json", "x.json", "00003.txt"):
        (tmp_path / name).touch()
    assert list(numbered_files(tmp_path, "", ".json")) == [1]
    assert numbered_files(tmp_path / "missing", "", ".json") == {}
