"""Every reader of names from outside takes and refuses the same ones, and no link or device."""

import io
import stat
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from pipeline.errors import InputError
from skyscript.benchmarks.files import read_captioned
from skyscript.clip.vectors.embed import read_below
from skyscript.files.metas import read_metas
from skyscript.files.shards import members
from stages.download.archive import unpack
from stages.download.config import UnpackLimits
from stages.train.config import TrainConfig
from stages.train.pairs import csv_pairs

NAMES = {
    "../x.jpg": False,
    "a/../../x.jpg": False,
    "/etc/x.jpg": False,
    "C:/x.jpg": False,
    "a\\..\\x.jpg": False,
    "..\\x.jpg": False,
    "a/./x.jpg": True,
    "a//x.jpg": True,
    ".../x.jpg": True,
    "a/..b/x.jpg": True,
    "x\0.jpg": False,
    "~/x.jpg": True,
    "": False,
}
"""Whether a name is taken."""


def _csv(folder, name):
    (folder / "pairs.csv").write_text(f"filepath,title\n{name},a pond\n")
    if NAMES[name]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"image")
    return folder / "pairs.csv"


def _train(folder, name):
    config = TrainConfig(train_data=_csv(folder, name), root_data_dir=folder)
    assert csv_pairs(folder / "pairs.csv", config).images.read(0) == b"image"


def _score(folder, name):
    _csv(folder, name)
    assert read_below(folder)(name) == b"image"


def _evaluate(folder, name):
    csv = _csv(folder, name).name
    found = read_captioned(SimpleNamespace(csv=csv, column="title", prefix="", images=""), folder)
    assert found.files[0].read_bytes() == b"image"


def _zip(folder, name, mode=0):
    """Write a zip; `zipfile` cuts names at a NUL, so that one is put in later."""
    info = zipfile.ZipInfo(name.replace("\0", "_"))
    info.external_attr = mode << 16
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("meta2/first.pickle", b"")
        archive.writestr(info, b"image")
    if "\0" in name:
        data = (folder / "x.zip").read_bytes()
        (folder / "x.zip").write_bytes(data.replace(info.filename.encode(), name.encode()))
    return folder / "x.zip"


def _read_metas(path):
    list(read_metas(path))


def _unpack(path):
    unpack(path, path.parent / "out", "set", UnpackLimits(), lambda *_: None)


def _caption(folder, name):
    stem = name.replace(".jpg", ".pickle")
    _read_metas(_zip(folder, f"meta2/{stem}" if NAMES[name] else stem))


def _download(folder, name):
    _unpack(_zip(folder, name))
    assert (folder / "out/set" / name).read_bytes() == b"image"


def _tar(folder, name):
    info = tarfile.TarInfo("x.jpg")
    info.pax_headers = {"path": name}
    info.size = 5
    with tarfile.open(folder / "x.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info if name else tarfile.TarInfo(""), io.BytesIO(b"image"))
    list(members(folder / "x.tar"))


READERS = {
    "train": _train,
    "score": _score,
    "evaluate": _evaluate,
    "caption": _caption,
    "download": _download,
    "shards": _tar,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reader", READERS)
def test_every_reader_takes_the_same_names(tmp_path, reader, name):
    if (reader, name) == ("evaluate", "/etc/x.jpg"):
        pytest.skip("published benchmarks name images so: the slash is the benchmark's root")
    if NAMES[name]:
        READERS[reader](tmp_path, name)
    else:
        with pytest.raises((InputError, PermissionError)):
            READERS[reader](tmp_path, name)


def test_a_slash_at_the_start_is_the_root_of_a_benchmark(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/x.jpg").write_bytes(b"image")
    _evaluate(tmp_path, "/etc/x.jpg")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
@pytest.mark.parametrize("read", [_read_metas, _unpack])
def test_a_zip_with_a_link_or_a_device_is_refused(tmp_path, read, kind):
    path = _zip(tmp_path, "meta2/x.pickle", kind | 0o777)
    with pytest.raises(InputError, match="is a link or a device; the zip is not used"):
        read(path)


TAR_KINDS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]


@pytest.mark.parametrize("kind", TAR_KINDS)
def test_a_tar_with_a_link_or_a_device_is_refused(tmp_path, kind):
    info = tarfile.TarInfo("x.jpg")
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(info)
    with pytest.raises(InputError, match="is a link or a device; the tar is not used"):
        list(members(tmp_path / "x.tar"))
