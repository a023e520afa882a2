"""Meta files are found in folders, zips and folders of zips; a zip that leads out is refused."""

import os
import stat
import zipfile

import pytest

from pipeline.errors import InputError
from skyscript.files.meta import MAX_BYTES, Meta, dump_meta
from skyscript.files.metas import read_metas
from skyscript.geo.tile import Box

META = Meta(Box(7.41, 43.72, 7.42, 43.73), (2019, 7, 1, 10, 30), {"power": "pole"}, [])
DATA = dump_meta(META)


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(DATA)
    return root


def zipped(path, *names, data=DATA, method=zipfile.ZIP_DEFLATED):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in names:
            archive.writestr(name, data)
    return path


def names_in(source):
    found = list(read_metas(source))
    assert all(meta == META for _, meta in found)
    return [name for name, _ in found]


def reasons_in(source):
    return {name: str(meta) for name, meta in read_metas(source) if isinstance(meta, InputError)}


def test_a_folder_of_parts_is_read_in_order(tmp_path):
    put(tmp_path, "meta7/n2_US_20.pickle", "meta2/w3_US_20.pickle", "meta2/a1_US_20.pickle")
    put(tmp_path, "images2/w3_US_20.jpg", "meta2/notes.txt", "meta2/.hidden.pickle", "x.pickle")
    assert names_in(tmp_path) == [
        "meta2/a1_US_20.pickle",
        "meta2/w3_US_20.pickle",
        "meta7/n2_US_20.pickle",
    ]


def test_one_part_alone_keeps_its_name(tmp_path, monkeypatch):
    put(tmp_path, "meta3/n2_US_20.pickle")
    assert names_in(tmp_path / "meta3") == ["meta3/n2_US_20.pickle"]
    monkeypatch.chdir(tmp_path / "meta3")
    assert names_in(tmp_path.__class__()) == ["meta3/n2_US_20.pickle"]


def test_parts_may_lie_deeper_and_have_folders(tmp_path):
    put(tmp_path, "data/SkyScript/meta2/b/n2_US_20.pickle", "data/SkyScript/meta2/n1_US_20.pickle")
    assert names_in(tmp_path) == ["meta2/b/n2_US_20.pickle", "meta2/n1_US_20.pickle"]


def test_a_part_that_is_a_link_to_a_folder_is_read(tmp_path):
    put(tmp_path, "disk/n2_US_20.pickle")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/meta2").symlink_to(tmp_path / "disk")
    assert names_in(tmp_path / "root") == ["meta2/n2_US_20.pickle"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_read_whatever_folder_stands_above_its_parts(tmp_path, method):
    names = ("x/meta3/n2_US_20.pickle", "x/meta2/n9_US_20.pickle", "x/meta2/n10_US_20.pickle")
    source = zipped(tmp_path / "all.zip", *names, "x/readme.txt", method=method)
    assert names_in(source) == [
        "meta2/n10_US_20.pickle",
        "meta2/n9_US_20.pickle",
        "meta3/n2_US_20.pickle",
    ]


def test_a_zip_named_for_its_part_may_hold_files_at_its_top(tmp_path):
    assert names_in(zipped(tmp_path / "meta4.zip", "n1_US_20.pickle")) == ["meta4/n1_US_20.pickle"]


def test_the_published_zips_in_one_folder_are_read_and_those_of_images_left_alone(tmp_path):
    zipped(tmp_path / "meta3.zip", "meta3/n1_US_20.pickle", "__MACOSX/meta3/._n1_US_20.pickle")
    zipped(tmp_path / "meta2.zip", "meta2/n5_US_20.pickle")
    (tmp_path / "images2.zip").write_bytes(b"not even a zip")
    assert names_in(tmp_path) == ["meta2/n5_US_20.pickle", "meta3/n1_US_20.pickle"]


def test_a_zip_beside_its_unpacked_folder_is_not_read_twice(tmp_path):
    zipped(tmp_path / "meta2.zip", "meta2/n5_US_20.pickle")
    put(tmp_path, "meta2/n5_US_20.pickle")
    with pytest.raises(InputError, match=r"meta2 occurs twice.*move one"):
        read_metas(tmp_path)


@pytest.mark.parametrize(
    "member",
    [
        "../n1.pickle",
        "meta2/../../n1.pickle",
        "/meta2/n1.pickle",
        "C:/n1.pickle",
        "meta2\\n1.pickle",
    ],
)
def test_a_zip_that_leads_out_is_refused_at_once(tmp_path, member):
    source = zipped(tmp_path / "slip.zip", "meta2/n0_US_20.pickle", member)
    with pytest.raises(InputError, match="leads out of the archive"):
        read_metas(source)


def test_a_zip_with_a_link_is_refused_at_once(tmp_path):
    source = tmp_path / "link.zip"
    with zipfile.ZipFile(source, "w") as archive:
        link = zipfile.ZipInfo("meta2/n1_US_20.pickle")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        read_metas(source)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_that_holds_a_file_twice_is_refused_at_once(tmp_path):
    source = zipped(tmp_path / "twice.zip", "meta2/n1_US_20.pickle", "meta2/n1_US_20.pickle")
    with pytest.raises(InputError, match=r"contains meta2/n1_US_20\.pickle twice"):
        read_metas(source)


def test_a_zip_whose_parts_cannot_be_told_is_refused_at_once(tmp_path):
    with pytest.raises(InputError, match="is in no folder meta2"):
        read_metas(zipped(tmp_path / "all.zip", "n1_US_20.pickle"))


def test_a_source_that_is_none_is_refused_at_once(tmp_path):
    photo = tmp_path / "photo.zip"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n")
    whole = zipped(tmp_path / "whole.zip", "meta2/n1_US_20.pickle").read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole[: len(whole) // 2])
    for source in (photo, cut):
        with pytest.raises(InputError, match="is not a zip file, or is cut off"):
            read_metas(source)
    with pytest.raises(InputError, match="no such file or folder"):
        read_metas(tmp_path / "missing")
    with pytest.raises(InputError, match="contains no meta files"):
        read_metas(zipped(tmp_path / "other.zip", "readme.txt"))


def test_empty_parts_are_said_to_be_empty(tmp_path):
    (tmp_path / "meta2").mkdir()
    with pytest.raises(InputError, match=r"contain no file \*.pickle"):
        list(read_metas(tmp_path))


def test_a_bomb_and_a_broken_member_are_named_and_the_others_read(tmp_path):
    source = tmp_path / "mixed.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta2/a_bomb.pickle", b"\0" * (64 << 20))
        archive.writestr("meta2/b_broken.pickle", DATA)
        archive.writestr("meta2/c_packed.pickle", DATA, zipfile.ZIP_BZIP2)
        archive.writestr("meta2/d_good.pickle", DATA)
        place = archive.getinfo("meta2/b_broken.pickle").header_offset
    data = bytearray(source.read_bytes())
    data[place + 60] ^= 0xFF
    source.write_bytes(bytes(data))
    assert [name for name, meta in read_metas(source) if meta == META] == ["meta2/d_good.pickle"]
    reasons = reasons_in(source)
    assert reasons["meta2/a_bomb.pickle"].endswith(
        "is larger than 2 MiB, the limit for a meta file."
    )
    assert "cannot be unpacked" in reasons["meta2/b_broken.pickle"]
    assert "another method than deflate" in reasons["meta2/c_packed.pickle"]


def test_a_member_that_hides_its_size_is_cut_at_what_it_claims(tmp_path):
    """A bomb whose directory says 10 bytes: no more is unpacked, and the checksum betrays it."""
    source = zipped(tmp_path / "lies.zip", "meta2/n1_US_20.pickle", data=b"\0" * (8 << 20))
    data = source.read_bytes().replace((8 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    source.write_bytes(data)
    assert "cannot be unpacked" in reasons_in(source)["meta2/n1_US_20.pickle"]


def test_files_that_cannot_be_used_are_named_and_the_others_read(tmp_path):
    put(tmp_path, "meta2/n1_US_20.pickle", "meta2/n2\n_US_20.pickle")
    (tmp_path / "meta2/n3_US_20.pickle").write_bytes(b"\0" * (MAX_BYTES + 1))
    (tmp_path / "meta2/n4_US_20.pickle").symlink_to("nowhere")
    os.mkfifo(tmp_path / "meta2/n5_US_20.pickle")
    (tmp_path / "meta2/n6_US_20.pickle").mkdir()
    reasons = reasons_in(tmp_path)
    assert [name for name, meta in read_metas(tmp_path) if meta == META] == [
        "meta2/n1_US_20.pickle"
    ]
    assert "cannot be printed" in reasons["meta2/n2\n_US_20.pickle"]
    assert "larger than 2 MiB" in reasons["meta2/n3_US_20.pickle"]
    assert len(reasons) == 2
