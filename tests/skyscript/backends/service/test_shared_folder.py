"""What processes of a user share on a machine goes when nobody has used it for long."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skyscript.backends.service import shared_folder
from skyscript.backends.service.quota import Quota
from skyscript.backends.service.shared_folder import SECONDS_KEPT, claim_folder, remembered_file
from tests.conftest import REPOSITORY

HOLD = """
import sys
from skyscript.backends.service.shared_folder import claim_folder
print(claim_folder("a"), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this user's files be in a folder of the test, which no process has looked at."""
    monkeypatch.setattr(shared_folder, "user_folder", lambda: tmp_path)
    shared_folder._remove_old.cache_clear()
    return tmp_path


def age(*paths: Path) -> None:
    """Let files and folders be last used longer ago than they are kept."""
    then = time.time() - SECONDS_KEPT - 60
    for folder in paths:
        for path in (*folder.glob("*"), folder):
            os.utime(path, (then, then))


def test_folders_and_files_that_nobody_used_for_long_are_removed(base: Path) -> None:
    for name in ("old", "new"):
        (base / name).mkdir()
        (base / name / "state").write_bytes(b"")
        (base / "folders").mkdir(exist_ok=True)
        (base / "folders" / name).write_bytes(b"[]")
    age(base / "old", base / "folders/old")
    claim_folder("mine")
    assert sorted(path.name for path in base.iterdir()) == ["folders", "mine", "new"]
    assert [path.name for path in (base / "folders").iterdir()] == ["new"]


def test_a_folder_that_another_process_removes_meanwhile_is_no_error(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (base / "old").mkdir()
    age(base / "old")
    is_file = Path.is_file

    def removed(path: Path) -> bool:
        found = is_file(path)
        if path == base / "old":
            path.rmdir()
        return found

    monkeypatch.setattr(Path, "is_file", removed)
    claim_folder("mine")
    assert [path.name for path in base.iterdir()] == ["mine"]


def test_a_file_counts_as_used_when_it_is_asked_for(base: Path) -> None:
    assert not remembered_file("a").exists()
    (base / "folders").mkdir()
    (base / "folders/a").write_bytes(b"[]")
    age(base / "folders")
    assert remembered_file("a").stat().st_mtime > time.time() - 60


def test_a_folder_that_a_process_holds_stays_however_old_it_is(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = os.environ | {"TMPDIR": str(base)}
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(
        command, stdin=-1, stdout=-1, text=True, env=environment, cwd=REPOSITORY
    ) as other:
        assert other.stdin is not None and other.stdout is not None
        held = Path(other.stdout.readline().strip())
        monkeypatch.setattr(shared_folder, "user_folder", lambda: held.parent)
        age(held)
        claim_folder("b")
        assert held.is_dir()
        other.stdin.close()
    shared_folder._remove_old.cache_clear()
    age(held)
    claim_folder("b")
    assert not held.exists()


def test_a_folder_that_was_removed_meanwhile_is_made_again(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = shared_folder.fcntl.flock, [1]

    def lose(lock: int, how: int) -> None:
        real(lock, how)
        if left:
            left.pop()
            (base / "a/in-use").unlink()
            (base / "a").rmdir()

    monkeypatch.setattr(shared_folder.fcntl, "flock", lose)
    assert claim_folder("a").is_dir()
    assert (base / "a/in-use").exists()


def test_a_quota_keeps_its_state_in_such_a_folder(base: Path) -> None:
    quota = Quota("a service", 2, 100)
    with quota.slot():
        (folder,) = base.iterdir()
        age(folder)
        shared_folder._remove_old.cache_clear()
        claim_folder("b")
        assert (folder / "state").exists()
