"""The content ids of files from outside a run, and how they are remembered."""

import os
import time
from pathlib import Path

import pytest

from pipeline import identity
from pipeline.atomic import content_id
from pipeline.identity import cache_file, identify, identify_all

LONG_AGO = time.time() - 3600


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use an empty cache folder, and no time in which a changed file is not remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(identity, "_SETTLED", 0)
    return tmp_path / "cache"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the names of the files that are read."""
    read: list[str] = []
    real = identity._read

    def note(file: identity._File) -> str | None:
        read.append(file.path.name)
        return real(file)

    monkeypatch.setattr(identity, "_read", note)
    return read


@pytest.mark.slow
def test_the_id_is_that_of_the_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "large"
    content = bytearray(70 << 20)
    ids = []
    for place in (0, 1_500_000, 40_000_001, len(content) - 1):
        content[place] ^= 1
        path.write_bytes(content)
        ids.append(identify(path))
        assert ids[-1] == content_id(bytes(content))
    assert len(set(ids)) == 4


def test_an_unchanged_file_is_read_once(tmp_path: Path, reads: list[str]) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    paths = [tmp_path / name for name in "abab"]
    first = list(identify_all(paths))
    assert sorted(set(reads)) == ["a", "b"]
    reads.clear()
    assert list(identify_all(paths)) == first == [content_id(n.encode()) for n in "abab"]
    assert reads == []
    (tmp_path / "b").write_text("c")
    assert identify(tmp_path / "b") == content_id(b"c")
    assert reads == ["b"]


def test_new_content_of_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    os.utime(path, (LONG_AGO, LONG_AGO))
    old = identify(path)
    path.write_text("new")
    os.utime(path, (LONG_AGO, LONG_AGO))
    assert identify(path) == content_id(b"new") != old


def test_a_file_that_was_replaced_by_an_older_one_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").write_text("new")
    for name in "ab":
        os.utime(tmp_path / name, (LONG_AGO, LONG_AGO))
    identify(tmp_path / "a")
    (tmp_path / "b").rename(tmp_path / "a")
    assert identify(tmp_path / "a") == content_id(b"new")


def test_a_file_that_has_just_changed_is_not_remembered(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_SETTLED", 3600 * 10**9)
    (tmp_path / "a").write_text("a")
    assert identify(tmp_path / "a") == identify(tmp_path / "a")
    assert reads == ["a", "a"]


def test_what_is_no_file_has_no_id(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert list(identify_all([tmp_path, tmp_path / "gone", tmp_path / "pipe"])) == [None] * 3
    with pytest.raises(FileNotFoundError):
        identify(tmp_path / "gone")


def test_without_a_usable_cache_every_file_is_read(
    tmp_path: Path, cache: Path, reads: list[str]
) -> None:
    (tmp_path / "a").write_text("a")
    cache.write_text("a file in the place of the folder")
    assert identify(tmp_path / "a") == identify(tmp_path / "a") == content_id(b"a")
    cache.unlink()
    cache_file().parent.mkdir(parents=True)
    cache_file().write_text("no database at all, but some text that is long enough to be one")
    assert identify(tmp_path / "a") == content_id(b"a")
    assert reads == ["a"] * 3
