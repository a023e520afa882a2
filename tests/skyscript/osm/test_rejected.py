"""Areas by the even-odd rule: where libosmium assembles one, ours is the same."""

import numpy as np
import osmium
import pytest
import shapely

from skyscript.osm.file import OsmFile, with_copies
from skyscript.osm.rejected import CROSSING, OPEN_RINGS, even_odd, explain_rejected
from tests.conftest import extracts, real_files


class Nothing:
    """Takes no object; the file is read for its places."""

    def node(self, node): ...
    def way(self, way): ...
    def relation(self, relation): ...
    def area(self, area): ...


def read(path, folder):
    file = OsmFile(path, folder, path.name.split(".", 1)[1])
    with_copies(lambda: file.read({"no:such:key"}, Nothing()))
    return file


def square(west, south, size):
    return np.array(shapely.box(west, south, west + size, south + size).exterior.coords)


@pytest.mark.parametrize("path", [*extracts("monaco"), *real_files("osm/multipolygon_cases.osm")])
def test_what_libosmium_assembles_the_even_odd_rule_gives_too(tmp_path, path):
    file = read(path, tmp_path)
    factory, expected = osmium.geom.WKBFactory(), {}
    for thing in osmium.FileProcessor(file.source).with_areas():
        if thing.is_area() and not thing.from_way() and thing.num_rings()[0]:
            wkb = bytes.fromhex(factory.create_multipolygon(thing))
            expected[thing.orig_id()] = shapely.from_wkb(wkb)
    members = {
        relation.id: [member.ref for member in relation.members if member.type == "w"]
        for relation in file.relations(expected)
    }
    lines = {
        way.id: np.array([(node.lon, node.lat) for node in way.nodes])
        for way in file.ways({way for ways in members.values() for way in ways})
        if all(node.location.valid() for node in way.nodes)
    }
    whole = [name for name in expected if set(members[name]) <= lines.keys()]
    assert len(whole) > 10
    for name in whole:
        ours = even_odd([lines[way] for way in dict.fromkeys(members[name])])
        assert shapely.equals(ours, expected[name]), name


def test_the_rule_counts_how_often_a_place_is_enclosed():
    large, inner, crossing = square(0, 0, 4), square(1, 1, 1), square(3, 3, 2)
    assert even_odd([large, inner]).equals(shapely.box(0, 0, 4, 4) - shapely.box(1, 1, 2, 2))
    both = shapely.box(0, 0, 4, 4) ^ shapely.box(3, 3, 5, 5)
    assert even_odd([large, crossing]).equals(both)
    assert even_odd([large, large[::-1]]) is None
    bow_tie = np.array([(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)])
    assert even_odd([bow_tie]).area == pytest.approx(2)


@pytest.mark.parametrize("path", real_files("osm/multipolygon_cases.osm"))
def test_rings_that_cross_are_repaired_and_open_ones_are_not(tmp_path, path):
    file = read(path, tmp_path)
    relations = {thing.id for thing in osmium.FileProcessor(file.source, osmium.osm.RELATION)}
    found = explain_rejected(file, relations, repair=True)
    crossing = [each for each in found.values() if each.reason == CROSSING]
    repaired = [each.area for each in crossing if each.area]
    assert shapely.is_valid(repaired).all()
    assert len(repaired) > len(crossing) / 2
    assert not any(each.area for each in found.values() if each.reason == OPEN_RINGS)
    without = explain_rejected(file, relations, repair=False)
    across = {name for name, each in found.items() if each.area and not each.is_repaired}
    assert not any(each.is_repaired for each in without.values())
    assert {name for name, each in without.items() if each.area} == across
    assert {name: each.reason for name, each in without.items()} == {
        name: each.reason for name, each in found.items()
    }
