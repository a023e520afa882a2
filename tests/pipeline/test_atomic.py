"""Files that are there whole or not at all."""

import errno
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.atomic import (
    content_id,
    content_id_of_file,
    read_sealed_json,
    write_bytes,
    write_file,
    write_files,
    write_sealed_json,
)
from pipeline.errors import LockError, StorageError
from pipeline.locks import exclusive_lock
from pipeline.out_folder import replace_folder
from pipeline.scratch import scratch


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


def test_several_files_get_their_names_when_all_are_whole(tmp_path: Path) -> None:
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    write_bytes(paths[0], b"old")

    def write(temporaries: Sequence[Path]) -> None:
        for temporary in temporaries:
            temporary.write_bytes(b"new")
        assert [path.exists() for path in paths] == [True, False]
        if fails:
            raise ValueError

    fails = True
    with pytest.raises(ValueError):
        write_files(paths, write)
    assert paths[0].read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == paths[:1]
    fails = False
    write_files(paths, write)
    assert [path.read_bytes() for path in paths] == [b"new", b"new"]
    assert sorted(tmp_path.iterdir()) == paths


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def fill(temporary: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match=r"out.txt: cannot be written: No space left"):
        write_file(tmp_path / "out.txt", fill)


def test_a_file_in_place_of_a_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError, match=r"taken: cannot be made: File exists; choose a fol"):
        write_file(tmp_path / "taken/out.txt", lambda path: path.write_text(""))
    wanted = pytest.raises(StorageError, match=r"taken/.tmp-out: cannot be made: Not a directory")
    with wanted, replace_folder(tmp_path / "taken/out", ["mark"], "a command"):
        pass
    wanted = pytest.raises(StorageError, match=r"taken/.tmp-work: cannot be made: Not a directory")
    with wanted, scratch(tmp_path / "taken", "work"):
        pass
    assert (tmp_path / "taken").read_text() == "a file"


def test_a_files_content_id_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"some bytes")
    assert content_id_of_file(tmp_path / "a") == content_id(b"some bytes")
    assert content_id(b"") == "cae66941d9efbd404e4d88758ea67670"


def test_sealed_json_comes_back_and_a_file_with_any_damaged_byte_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_sealed_json(path, {"name": "Zürich", "path": tmp_path})
    assert read_sealed_json(path) == {"name": "Zürich", "path": str(tmp_path)}
    whole = path.read_bytes()
    assert json.loads(whole)["name"] == "Zürich"
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert read_sealed_json(path) is None
        path.write_bytes(whole[:at])
        assert read_sealed_json(path) is None
    assert read_sealed_json(tmp_path / "missing.json") is None


def test_a_folder_that_cannot_be_made_is_named_with_the_remedy() -> None:
    wanted = pytest.raises(StorageError, match=r"/proc/foo: cannot be made: .*; choose a folder")
    with wanted, exclusive_lock(Path("/proc/foo/_lock")):
        pass


def test_a_locked_folder_is_refused_with_its_process_until_the_lock_is_released(
    tmp_path: Path,
) -> None:
    with exclusive_lock(tmp_path / "new/_lock"):
        refused = pytest.raises(LockError, match=r"new: process \d+ on .* uses this folder")
        with refused, exclusive_lock(tmp_path / "new/_lock"):
            pass
    with exclusive_lock(tmp_path / "new/_lock"):
        pass
