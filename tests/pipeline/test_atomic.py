"""Files that are there whole or not at all."""

import errno
from pathlib import Path

import pytest

from pipeline.atomic import file_id, write_bytes, write_file
from pipeline.errors import StorageError


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    write_bytes(path, b"old")

    def fail(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise ValueError

    with pytest.raises(ValueError):
        write_file(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def fill(temporary: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match=r"out.txt: cannot be written: No space left"):
        write_file(tmp_path / "out.txt", fill)


def test_a_files_id_follows_its_content_and_size(tmp_path: Path) -> None:
    path = tmp_path / "a"
    ids = set()
    for content in (b"", b"a", b"b", b"a" * (3 << 20), b"a" * (3 << 20) + b"b"):
        path.write_bytes(content)
        ids |= {file_id(path), file_id(path)}
    assert len(ids) == 5


def test_a_large_files_id_reads_evenly_spaced_blocks_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    content = bytearray(8 << 20)
    path.write_bytes(content)
    before = file_id(path, blocks=2)
    content[-1] = 1
    path.write_bytes(content)
    assert file_id(path, blocks=2) != before
