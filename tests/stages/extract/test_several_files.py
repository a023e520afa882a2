"""Several OSM files are read as one."""

import itertools
import random
import shutil

import osmium
import pytest
import shapely

from pipeline.errors import InputError
from stages.extract import BOXES, ExtractConfig
from stages.extract import rows as osm_rows
from tests.conftest import extracts
from tests.skyscript.osm.osm_text import CORNERS, by_id, extracted, write_opl

pytestmark = pytest.mark.slow


def cut_in_two(path, folder):
    """Split a file by a meridian; each half has its nodes, and the ways and relations near them.

    A way that crosses is in both halves, and each lacks the nodes of the other half.
    """
    places = [
        node.lon
        for node in osmium.FileProcessor(str(path), osmium.osm.NODE)
        if node.location.valid()
    ]
    middle = sorted(places)[len(places) // 2]
    halves = [folder / "west.osm.pbf", folder / "east.osm.pbf"]
    held = [set(), set()]
    writers = [osmium.SimpleWriter(str(half)) for half in halves]
    for thing in osmium.FileProcessor(str(path)):
        kind = thing.type_str()
        for side in (0, 1):
            if kind == "n":
                is_here = thing.location.valid() and (thing.lon > middle) == bool(side)
            elif kind == "w":
                is_here = any(("n", node.ref) in held[side] for node in thing.nodes)
            else:
                is_here = any((member.type, member.ref) in held[side] for member in thing.members)
            is_lost = not is_here and side == 1 and (kind, thing.id) not in held[0]
            if is_here or is_lost:
                held[side].add((kind, thing.id))
                writers[side].add(thing)
    for writer in writers:
        writer.close()
    return halves


@pytest.mark.parametrize("path", extracts("monaco"))
def test_two_halves_give_the_objects_of_the_whole_in_any_order(tmp_path, path):
    halves = cut_in_two(path, tmp_path)
    whole = extracted(path, tmp_path)
    west = extracted(halves[0], tmp_path)
    assert osm_rows.NO_NODES in west["reason"].to_pylist()
    for order in itertools.permutations(halves):
        assert extracted(order, tmp_path).equals(whole)


def test_the_newest_version_wins_and_equal_ones_come_once(tmp_path):
    old = write_opl(tmp_path / "b.opl", "n1 v1 Tnatural=tree x7 y43", "n2 v4 Tnatural=rock x7 y44")
    new = write_opl(tmp_path / "a.opl", "n1 v2 Tnatural=wood x7 y43", "n2 v4 Tnatural=rock x7 y44")
    for order in ([old, new], [new, old]):
        rows = by_id(extracted(order, tmp_path))
        assert rows["n1"]["tags"] == [("natural", "wood")]
        assert rows["n2"]["osm_version"] == 4


def test_a_way_and_a_relation_get_what_lies_in_the_neighbour_file(tmp_path):
    here = write_opl(
        tmp_path / "here.opl",
        *CORNERS.splitlines()[:2],
        "w1 Tbuilding=yes Nn1,n2,n3,n4,n1",
        "w2 Nn1,n2,n3",
        "r1 Ttype=multipolygon,landuse=forest Mw2@outer,w3@outer",
    )
    there = write_opl(tmp_path / "there.opl", *CORNERS.splitlines()[2:4], "w3 Nn3,n4,n1")
    rows = by_id(extracted([here, there], tmp_path))
    for name in ("a1", "r1"):
        assert shapely.from_wkb(rows[name]["geometry"]).equals(shapely.box(7, 43, 7.001, 43.001))


def test_files_of_any_kind_and_order_are_merged(tmp_path):
    lines = [*CORNERS.splitlines(), "n8 Tnatural=tree x7 y43", "w1 Tbuilding=yes Nn1,n2,n3,n1"]
    expected = extracted(write_opl(tmp_path / "all.opl", *lines), tmp_path)
    mixed = lines[2:]
    random.Random(1).shuffle(mixed)
    one = write_opl(tmp_path / "one.opl", *mixed)
    two = write_opl(tmp_path / "two.opl", "w1 Tbuilding=yes Nn1x7y43,n2x7.001y43,n3,n1x7y43")
    three = tmp_path / "three.osm"
    three.write_text('<osm version="0.6"><node id="8" lat="nan" lon="7"/></osm>')
    assert extracted([one, two, three], tmp_path).equals(expected)


def test_ways_with_places_are_merged_by_their_nodes(tmp_path):
    halves = []
    for name, text in (
        ("a", "w1 Tbuilding=yes Nn1x7y43,n2,n3,n1x7y43"),
        ("b", "w1 Tbuilding=yes Nn1,n2x7.001y43,n3x7.001y43.001,n1"),
    ):
        half = tmp_path / f"{name}.osm.pbf"
        options = osmium.io.File(str(half), "pbf,locations_on_ways=true")
        with osmium.SimpleWriter(options) as writer:
            for thing in osmium.FileProcessor(str(write_opl(tmp_path / f"{name}.opl", text))):
                writer.add(thing)
        halves.append(half)
    (row,) = extracted(halves, tmp_path).to_pylist()
    assert row["status"] == "ok"


def test_a_folder_and_a_pattern_name_their_osm_files_and_make_one_input(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (1, 2):
        write_opl(folder / f"{number}.opl", f"n{number} Tnatural=tree x7 y43")
    (folder / "notes.txt").touch()
    expected = extracted([folder / "1.opl", folder / "2.opl"], tmp_path)
    assert expected["object_id"].to_pylist() == ["n1", "n2"]
    configs = [ExtractConfig(path=path) for path in (folder, folder / "*.opl", [folder, folder])]
    for config in configs:
        assert extracted(config.path, tmp_path).equals(expected)
    assert len({BOXES.external(config)["OSM file"] for config in configs}) == 1
    assert len({str(config.identity()) for config in configs}) == 1
    shutil.copy(folder / "1.opl", folder / "copy.opl")
    assert extracted(folder, tmp_path).equals(expected)


def test_a_message_names_the_file_among_several(tmp_path):
    good = write_opl(tmp_path / "good.opl", "n1 Tnatural=tree x7 y43")
    bad = write_opl(tmp_path / "bad.opl", "n1 Tnatural=tree x7 y43 ?")
    with pytest.raises(InputError, match=r"bad\.opl cannot be read"):
        extracted([good, bad], tmp_path)
    with pytest.raises(InputError, match=r"none\.opl does not exist"):
        extracted([good, tmp_path / "none.opl"], tmp_path)
