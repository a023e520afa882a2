"""Zips that nobody vouches for: hostile ones write nothing, whole ones come as they are."""

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from pipeline.errors import InputError
from stages.download.archive import BrokenArchive, unpack
from stages.download.config import UnpackLimits
from stages.download.receipts import StoredFile

LIMITS = UnpackLimits()


def zip_of(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return path


def unpacked(archive: Path, folder: Path, limits: UnpackLimits = LIMITS) -> list[StoredFile]:
    return unpack(archive, folder, "set", limits, lambda *_: None)


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("wrapping", ["set/", "", "some/where/set/"])
def test_whatever_folders_wrap_it_the_files_come_to_lie_in_the_set(
    tmp_path: Path, wrapping: str
) -> None:
    archive = zip_of(tmp_path / "x.zip", {f"{wrapping}a.csv": b"a", f"{wrapping}b/c.jpg": b"c"})
    members = unpacked(archive, tmp_path / "out")
    assert files_below(tmp_path / "out") == {"set/a.csv": b"a", "set/b/c.jpg": b"c"}
    assert [m.path for m in members] == ["set/a.csv", "set/b/c.jpg"]
    assert members[0].crc32 == zlib.crc32(b"a")


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("set/link")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../escape.txt", "leads out"),
        ("set/../../escape.txt", "leads out"),
        ("/etc/passwd", "leads out"),
        ("C:/windows.txt", "leads out"),
        ("set\\..\\escape.txt", "leads out"),
        ("set//x", "a name that no file"),
        ("set/" + "x" * 300, "too long"),
        (link(), "is a link"),
    ],
)
def test_a_member_that_may_not_be_written_stops_all_of_it(
    tmp_path: Path, name: str | zipfile.ZipInfo, sentence: str
) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("set/good.txt", b"good")
        archive.writestr(name, b"../good.txt")
    with pytest.raises(InputError, match=sentence):
        unpacked(tmp_path / "x.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "escape.txt").exists()


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (UnpackLimits(), "max_ratio"),
        (UnpackLimits(max_ratio=10_000, max_bytes=1 << 20), "max_bytes"),
        (UnpackLimits(max_ratio=10_000, max_files=1), "max_files"),
    ],
)
def test_a_bomb_is_not_unfolded_and_the_limit_is_named(
    tmp_path: Path, limits: UnpackLimits, sentence: str
) -> None:
    archive = zip_of(tmp_path / "x.zip", {"set/zeros": bytes(3 << 20), "set/b": b"b"})
    with pytest.raises(InputError, match=sentence):
        unpacked(archive, tmp_path / "out", limits)
    assert not (tmp_path / "out").exists()
    assert len(unpacked(archive, tmp_path / "out", UnpackLimits(max_ratio=10_000))) == 2


def test_members_that_share_their_bytes_are_a_bomb(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", {"set/a": b"a" * 999, "set/b": b"a" * 999}, 0)
    data = bytearray(archive.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 0)  # the first one's bytes
    archive.write_bytes(data)
    with pytest.raises(InputError, match="overlap"):
        unpacked(archive, tmp_path / "out")


def test_a_size_that_lies_gives_no_more_than_it_says(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", {"set/zeros": bytes(3 << 20)})
    data = archive.read_bytes().replace(struct.pack("<I", 3 << 20), struct.pack("<I", 1000))
    archive.write_bytes(data)
    with pytest.raises(BrokenArchive):
        unpacked(archive, tmp_path / "out")
    assert files_below(tmp_path / "out").get("set/.tmp-unpacking", b"") == b"" or (
        len(files_below(tmp_path / "out")["set/.tmp-unpacking"]) <= 1000
    )
    assert not (tmp_path / "out/set/zeros").exists()


def test_a_flipped_bit_is_found_by_its_checksum(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", {"set/a": b"one thing"}, 0)
    archive.write_bytes(archive.read_bytes().replace(b"one thing", b"one think"))
    with pytest.raises(BrokenArchive, match="CRC"):
        unpacked(archive, tmp_path / "out")
    assert not (tmp_path / "out/set/a").exists()


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_what_is_no_zip_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(BrokenArchive, match=r"x\.zip: is not a complete zip file"):
        unpacked(tmp_path / "x.zip", tmp_path / "out")


def test_an_encrypted_or_oddly_packed_member_is_refused(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", {"set/a": b"a" * 99}, zipfile.ZIP_LZMA)
    with pytest.raises(InputError, match="another method than deflate"):
        unpacked(archive, tmp_path / "out")


def test_a_name_that_comes_twice_or_is_a_folder_too_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with pytest.warns(UserWarning), zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("set/a", b"1")
        archive.writestr("set/a", b"2")
    (tmp_path / "x.zip").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="twice"):
        unpacked(tmp_path / "x.zip", tmp_path / "out")
    archive_path = zip_of(tmp_path / "y.zip", {"set/a": b"1", "set/a/b": b"2"})
    with pytest.raises(InputError, match="both a file and a folder"):
        unpacked(archive_path, tmp_path / "out")


def test_nothing_is_written_over_a_file_that_is_there(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", {"set/a": b"theirs", "set/b": b"b"})
    (tmp_path / "out/set").mkdir(parents=True)
    (tmp_path / "out/set/a").write_bytes(b"mine, longer")
    with pytest.raises(InputError, match="already exists"):
        unpacked(archive, tmp_path / "out")
    assert files_below(tmp_path / "out") == {"set/a": b"mine, longer"}


def test_an_unpacking_that_was_killed_goes_on_and_leaves_no_litter(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", {f"set/{n}": b"x" * n for n in range(9)})
    (tmp_path / "out/set").mkdir(parents=True)
    (tmp_path / "out/set/4").write_bytes(b"xxxx")
    (tmp_path / "out/set/.tmp-unpacking").write_bytes(b"half")
    inode = (tmp_path / "out/set/4").stat().st_ino
    unpacked(archive, tmp_path / "out")
    assert files_below(tmp_path / "out") == {f"set/{n}": b"x" * n for n in range(9)}
    assert (tmp_path / "out/set/4").stat().st_ino == inode
