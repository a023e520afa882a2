"""Damaged OSM files of every format: objects, or one line that names the file."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from pipeline.errors import InputError
from stages.extract import reading
from tests.hostile import check_reader, damaged, examples
from tests.skyscript.osm.blocks import pbf
from tests.skyscript.osm.osm_text import extracted
from tests.stages.extract.reader import extracted_by_shards, read_here_always

pytestmark = pytest.mark.slow


STRINGS = [b"building", b"yes", b"type", b"multipolygon", b"outer", b"natural", b"tree"]
REFS = [1, 2, 3, 4, 1]
BLOCK = pbf.block(
    STRINGS,
    pbf.dense(
        [1, 2, 3, 4],
        [70_000_000, 70_010_000, 70_010_000, 70_000_000],
        [430_000_000, 430_000_000, 430_010_000, 430_010_000],
        [6, 7, 0, 0, 0, 0],
    ),
    pbf.way(7, REFS, [1], [2]),
    pbf.way(8, [1, 2, 3], [1], [2]),
    pbf.relation(9, [7], [3, 1], [4, 2]),
)
XML = b"""<?xml version='1.0' encoding='UTF-8'?>
<osm version="0.6" generator="x"><bounds minlat="43" minlon="7" maxlat="44" maxlon="8"/>
<node id="1" version="1" timestamp="2020-01-01T00:00:00Z" lat="43" lon="7">
<tag k="natural" v="tree"/></node><node id="2" lat="43.001" lon="7"/>
<node id="3" lat="43" lon="7.1"/><way id="7"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>
<tag k="building" v="y&amp;s"/></way>
<relation id="9"><member type="way" ref="7" role="outer"/><tag k="type" v="multipolygon"/>
<tag k="building" v="yes"/></relation></osm>
"""
OPL = b"""n1 v1 dV c1 t2020-01-01T00:00:00Z i1 ux Tnatural=tree x7.0 y43.0
n2 x7.001 y43.0
n3 x7.001 y43.001
w7 Tbuilding=yes,name=a%20%b Nn1,n2,n3,n1
r9 Ttype=multipolygon,building=yes Mw7@outer
"""
JSON = json.dumps(
    {
        "version": 0.6,
        "elements": [
            {"type": "node", "id": 1, "lat": 43, "lon": 7, "tags": {"natural": "tree"}},
            {"type": "node", "id": 2, "lat": 43, "lon": 7.001},
            {"type": "node", "id": 3, "lat": 43.001, "lon": 7},
            {"type": "way", "id": 7, "nodes": [1, 2, 3, 1], "tags": {"building": "yes"}},
            {
                "type": "relation",
                "id": 9,
                "members": [{"type": "way", "ref": 7, "role": "outer"}],
                "tags": {"type": "multipolygon", "building": "yes"},
            },
        ],
    }
).encode()
TEXT_FILES = {"town.osm": XML, "town.osm.opl": OPL, "town.json": JSON}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside"


def written(folder: Path, *blocks: bytes, **options: object) -> bytes:
    return pbf.write(folder / "town.osm.pbf", *blocks, **options).read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    return written(folder, BLOCK, pack=pbf.raw_blob)


def extract(path: Path) -> None:
    extracted(path, path.parent / "run")


def extract_by_blocks(path: Path) -> None:
    extracted_by_shards(path, path.parent / "run")


def check(path: Path, data: bytes, read=extract) -> None:
    path.write_bytes(data)
    check_reader(read, path)


def any_folder(factory: pytest.TempPathFactory) -> Path:
    folder = factory.mktemp("any") / "inside"
    folder.mkdir()
    return folder


@pytest.mark.slow
@examples(25)
@given(data=st.data())
def test_a_damaged_pbf_by_libosmium(tmp_path_factory, whole, data):
    check(any_folder(tmp_path_factory) / "town.osm.pbf", data.draw(damaged(whole)))


@pytest.mark.slow
@examples(25)
@given(block=damaged(BLOCK))
def test_a_pbf_with_a_damaged_block_by_libosmium(tmp_path_factory, block):
    path = any_folder(tmp_path_factory) / "town.osm.pbf"
    check(path, written(path.parent, block))


@pytest.mark.slow
@examples(25)
@given(data=st.data(), name=st.sampled_from(sorted(TEXT_FILES)))
def test_a_damaged_file_of_text(tmp_path_factory, data, name):
    check(any_folder(tmp_path_factory) / name, data.draw(damaged(TEXT_FILES[name])))


@pytest.fixture
def by_blocks_here(monkeypatch, tmp_path, whole):
    """Let the decoder of blocks read in this process; it is compiled before a test begins."""
    pytest.importorskip("numba")
    pytest.importorskip("isal")
    read_here_always(monkeypatch)
    monkeypatch.setattr(reading, "open_files", _not_taken)
    (tmp_path / "town.osm.pbf").write_bytes(whole)
    assert len(extracted_by_shards(tmp_path / "town.osm.pbf", tmp_path / "run"))


def _not_taken(inputs, *_):
    """Stand for libosmium, which reads what the decoder does not, and might crash this process."""
    raise InputError(f"{inputs[0][0]} is not taken by the decoder of blocks")


@examples(100, HealthCheck.function_scoped_fixture)
@given(data=st.data())
def test_a_damaged_pbf_by_blocks(by_blocks_here, tmp_path_factory, whole, data):
    path = any_folder(tmp_path_factory) / "town.osm.pbf"
    bad = damaged(whole) | damaged(BLOCK).map(lambda block: written(path.parent, block))
    check(path, data.draw(bad), extract_by_blocks)
