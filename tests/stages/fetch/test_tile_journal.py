"""The journal of tiles: any damage of a line is found, and costs that line only."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.stage import Shard
from stages.fetch.image_store import ImageStore
from stages.fetch.tile_journal import TileJournal, remove_damaged_lines

ROW = {"status": "filtered", "reason": "no image", "acquired": datetime(2020, 1, 1, tzinfo=UTC)}


def known(root: Path) -> list[str]:
    journal = TileJournal(root, 3)
    journal.close()
    images = ImageStore(Shard(3, root), in_tar=False)
    return [key for key in "abc" if journal.outcome([key], images, lambda *_: None, is_whole=True)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    journal = TileJournal(tmp_path, 3)
    for key in "abc":
        journal.record(key, ROW, {"attempts": 2, "seconds": 0.25})
    journal.close()
    return tmp_path / "_ledger" / "00003.jsonl"


def test_any_flipped_bit_is_found_and_costs_its_line_and_no_other(
    tmp_path: Path, path: Path
) -> None:
    whole = path.read_bytes()
    assert remove_damaged_lines(tmp_path) == []
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        assert remove_damaged_lines(tmp_path) == [path], at
        left = path.read_bytes()
        assert remove_damaged_lines(tmp_path) == []
        is_end = whole[at : at + 1] == b"\n" and at > 0  # two lines became one
        assert left.count(b"\n") == (1 if is_end else 2), at
    assert len(known(tmp_path)) == 2


def test_what_a_kill_left_of_the_last_line_is_no_damage(tmp_path: Path, path: Path) -> None:
    whole = path.read_bytes()
    for end in range(whole.rindex(b"\n") + 1, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert known(tmp_path) == ["a", "b"]
        assert remove_damaged_lines(tmp_path) == []


def test_opening_it_again_and_again_changes_nothing(tmp_path: Path, path: Path) -> None:
    whole = path.read_bytes()
    for _ in range(2):
        assert known(tmp_path) == ["a", "b", "c"]
    assert path.read_bytes() == whole
