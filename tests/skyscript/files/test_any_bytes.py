"""Damaged CSVs, pickles, zips and tars: what is read, or one line that names the file."""

import io
import json
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from skyscript.files.meta import Meta, dump_meta, load_meta
from skyscript.files.metas import read_metas
from skyscript.files.pairs_csv import PairsCsv
from skyscript.files.shards import TarImages, members, samples
from skyscript.geo.tile import Box
from stages.download.archive import unpack
from stages.download.config import UnpackLimits
from tests.hostile import TEXTS, check_reader, damaged

TAGS = st.dictionaries(TEXTS, TEXTS, max_size=3)
META = Meta(Box(1, 2, 3, 4), (2020, 1, 2, 3, 4), {"building": "yes"}, [{"natural": "tree"}] * 3)
PICKLE = dump_meta(META)
CSV = (
    "filepath,title,title_multi_objects\n"
    'images2/a1_CH_19.jpg,a satellite image of pier,"a, surrounded by b; ""c"""\n'
    "images2/n2_CH_19.jpg,ä,\n"
).encode()


def make_tar(kind: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:
        for key in ("a", "b/é"):
            described = json.dumps({"title": "x", "title_multi_objects": "y"}).encode()
            for end, data in (("jpg", b"JPEG"), ("txt", b"a pier"), ("json", described)):
                info = tarfile.TarInfo(f"{key}.{end}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def make_zip(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("meta2/a1_CH_19.pickle", "meta3/b/n2_CH_19.pickle"):
            archive.writestr(zipfile.ZipInfo(name), PICKLE, method)
    return buffer.getvalue()


TARS = [make_tar(kind) for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]
ZIPS = [make_zip(method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("any") / "inside"
    folder.mkdir()
    return folder


@given(data=damaged(CSV))
def test_a_damaged_csv(folder, data):
    path = folder / "pairs.csv"
    path.write_bytes(data)
    check_reader(lambda file: list(PairsCsv(file).rows()), path)


@given(data=damaged(PICKLE) | st.binary(max_size=80).map(b"\x80\x04".__add__))
def test_a_damaged_pickle(folder, data):
    path = folder / "a1_CH_19.pickle"
    path.write_bytes(data)
    check_reader(lambda file: load_meta(file.read_bytes(), str(file)), path)


@given(center=TAGS, around=st.lists(TAGS, max_size=3))
def test_any_tags_are_read_as_they_were_written(center, around):
    meta = META._replace(center_tags=center, surrounding_tags=around)
    try:
        assert load_meta(dump_meta(meta), "x.pickle") == meta
    except InputError as error:
        assert "a text of more than" in str(error)


@pytest.mark.slow
@given(data=st.sampled_from(TARS).flatmap(damaged))
def test_a_damaged_tar(folder, data):
    path = folder / "shard.tar"
    path.write_bytes(data)

    def read(file):
        list(samples(file))
        with TarImages(file) as images:
            for member in members(file):
                images.read(f"{file.name}/{member.name}")

    check_reader(read, path)


@given(data=st.sampled_from(ZIPS).flatmap(damaged))
def test_a_damaged_zip_of_metas(folder, data):
    path = folder / "meta2.zip"
    path.write_bytes(data)

    def read(file):
        for name, meta in read_metas(file):
            if isinstance(meta, InputError):
                assert str(meta).startswith((name, repr(name)[:5]))
                assert str(meta).isprintable()

    check_reader(read, path)


@given(data=st.sampled_from(ZIPS).flatmap(damaged))
def test_a_damaged_zip_is_unpacked_into_its_folder_only(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any") / "inside"
    folder.mkdir()
    path = folder / "meta2.zip"
    path.write_bytes(data)
    limits = UnpackLimits()
    check_reader(lambda file: unpack(file, folder / "out", "meta2", limits, lambda *_: None), path)
    assert {entry.name for entry in folder.iterdir()} <= {"meta2.zip", "out"}
