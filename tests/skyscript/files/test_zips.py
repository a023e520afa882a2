"""A damaged zip is one sentence, whichever of its bytes is wrong."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError, SkyScriptError
from skyscript.files.meta import Meta, dump_meta
from skyscript.files.metas import read_metas
from skyscript.files.zips import checked_members, open_zip
from skyscript.geo.tile import Box
from stages.download.archive import unpack
from stages.download.config import UnpackLimits

META = Meta(Box(1, 2, 3, 4), (2020, 1, 2, 3, 4), {"building": "yes"}, [])


def _zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("meta2/ä.pickle", "meta2/b/c.pickle"):
            archive.writestr(zipfile.ZipInfo(name), dump_meta(META), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


WHOLE = _zip()
DIRECTORY = WHOLE.index(b"PK\x01\x02")
END = WHOLE.index(b"PK\x05\x06")


def _with(at, data):
    return WHOLE[:at] + data + WHOLE[at + len(data) :]


DAMAGED = {
    "cut off": WHOLE[:-30],
    "without its directory": WHOLE[:DIRECTORY],
    "a byte of the middle lost": WHOLE[:40] + WHOLE[41:],
    "a name that is not UTF-8": _with(DIRECTORY + 46 + 6, b"\xe3\xa4"),
    "a directory that lies elsewhere": _with(END + 16, struct.pack("<I", END + 100)),
    "a member that begins outside": _with(DIRECTORY + 42, struct.pack("<I", 1 << 31)),
    "a directory of another kind": _with(DIRECTORY, b"PK\x09\x09"),
    "a version of the future": _with(DIRECTORY + 6, b"\xff\xff"),
}


def _unpack(path):
    unpack(path, path.parent / "out", "meta2", UnpackLimits(), lambda *_: None)


def _metas(path):
    for _, meta in read_metas(path):
        if isinstance(meta, InputError):
            raise meta


@pytest.mark.parametrize("read", [_unpack, _metas])
@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_zip_is_one_sentence(tmp_path, damage, read):
    (tmp_path / "x.zip").write_bytes(DAMAGED[damage])
    with pytest.raises(InputError) as caught:
        read(tmp_path / "x.zip")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4))
def test_any_damage_is_an_error_of_ours_or_harmless(tmp_path_factory, at, data):
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    path.write_bytes(_with(at, data)[: len(WHOLE)])
    for read in (_unpack, _metas):
        try:
            read(path)
        except SkyScriptError as error:
            assert str(error)


def test_a_whole_zip_gives_its_members(tmp_path):
    (tmp_path / "x.zip").write_bytes(WHOLE)
    with open_zip(tmp_path / "x.zip") as archive:
        names = [member.filename for member in checked_members(archive, tmp_path / "x.zip")]
    assert names == ["meta2/ä.pickle", "meta2/b/c.pickle"]


def test_a_zip_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.zip: cannot be read: No such file"):
        open_zip(tmp_path / "none.zip")
