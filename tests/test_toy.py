"""The embedded demo's extract: what `data/toy` promises of it."""

import itertools
import math
from collections import Counter, defaultdict
from pathlib import Path

import osmium
import pytest
import shapely
import yaml

import tag_vocab
from data.toy import untidy
from data.toy.make_town import draw, main
from data.toy.shapes import crossings, piece, smooth

pytestmark = pytest.mark.slow


TOY = Path(__file__).parents[1] / "data" / "toy"
TOWN = TOY / "town.osm.pbf"


class Town:
    """The committed file, read by pyosmium."""

    def __init__(self):
        self.nodes, self.ways, self.relations = {}, {}, {}
        for item in osmium.FileProcessor(str(TOWN)):
            tags = dict(item.tags)
            if item.is_node():
                self.nodes[item.id] = (item.lon, item.lat, tags)
            elif item.is_way():
                self.ways[item.id] = ([node.ref for node in item.nodes], tags)
            else:
                members = [(member.type, member.ref, member.role) for member in item.members]
                self.relations[item.id] = (members, tags)
        groups = (self.nodes, self.ways, self.relations)
        self.tagged = [value[-1] for group in groups for value in group.values() if value[-1]]

    def whole(self, nodes):
        return len(nodes) > 1 and all(node in self.nodes for node in nodes)

    def line(self, nodes):
        """Give metres, so that distances can be asked for."""
        east = 111320 * math.cos(math.radians(45.07))
        return [(self.nodes[n][0] * east, self.nodes[n][1] * 111132) for n in nodes]

    def polygons(self, wanted):
        for nodes, tags in self.ways.values():
            if wanted(tags) and self.whole(nodes) and nodes[0] == nodes[-1]:
                yield shapely.Polygon(self.line(nodes))


@pytest.fixture(scope="module")
def town():
    return Town()


def test_drawing_it_again_gives_the_committed_file_byte_for_byte(tmp_path):
    assert main([str(tmp_path / "again.osm.pbf")]) == 0
    assert (tmp_path / "again.osm.pbf").read_bytes() == TOWN.read_bytes()
    assert TOWN.stat().st_size < 1_000_000


def test_the_generator_wants_one_path(capsys):
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_it_holds_many_tags_that_can_be_seen_and_some_that_cannot(town):
    pairs = Counter(pair for tags in town.tagged for pair in tags.items())
    seen = {pair for pair in pairs if tag_vocab.look_up(*pair).groundable}
    assert len(seen) >= 400
    assert ("addr:housenumber", "1") in pairs.keys() - seen
    assert 3000 <= len(town.tagged) <= 7000


def test_its_proportions_are_those_of_a_town_and_its_land(town):
    share = {
        key: sum(key in tags for tags in town.tagged) / len(town.tagged)
        for key in ("building", "highway", "natural", "landuse")
    }
    assert 0.35 < share["building"] < 0.6
    assert 0.08 < share["highway"] < 0.25
    assert 0.1 < share["natural"] < 0.3
    assert 0.05 < share["landuse"] < 0.2


def test_it_spans_enough_blocks_for_a_split_by_place(town):
    blocks = Counter(
        (math.floor(10 * town.nodes[nodes[0]][0]), math.floor(10 * town.nodes[nodes[0]][1]))
        for nodes, tags in town.ways.values()
        if tags and nodes[0] in town.nodes
    )
    assert sum(count >= 100 for count in blocks.values()) >= 4


def test_ids_are_positive_and_sorted_and_no_clock_shows():
    last = {"n": 0, "w": 0, "r": 0}
    stamps = set()
    for item in osmium.FileProcessor(str(TOWN)):
        kind = "n" if item.is_node() else "w" if item.is_way() else "r"
        assert item.id > last[kind]
        last[kind] = item.id
        stamps.add((item.version, item.timestamp.isoformat()))
    assert stamps == {(1, "2024-06-01T12:00:00+00:00")}


def test_all_streets_hang_together(town):
    """From any street of the island one can drive to any other."""
    neighbours = defaultdict(set)
    on_roads = set()
    for nodes, tags in town.ways.values():
        drivable = tags.get("highway") in {
            *("motorway", "motorway_link", "trunk", "primary", "secondary", "tertiary"),
            *("residential", "living_street", "pedestrian", "unclassified"),
        }
        if drivable and nodes[0] != nodes[-1] and tags.get("tunnel") != "yes":
            on_roads.update(nodes)
            for a, b in itertools.pairwise(nodes):
                neighbours[a].add(b)
                neighbours[b].add(a)
    start = min(on_roads)
    reached, front = {start}, [start]
    while front:
        for node in neighbours[front.pop()] - reached:
            reached.add(node)
            front.append(node)
    assert len(on_roads - reached) < 0.02 * len(on_roads)


def test_no_house_stands_on_a_street_or_in_the_water(town):
    houses = list(
        town.polygons(
            lambda tags: (
                "building" in tags
                and (
                    "addr:street" in tags or tags["building"] in ("house", "apartments", "detached")
                )
            )
        )
    )
    assert len(houses) > 1000
    obstacles = list(town.polygons(lambda tags: tags.get("natural") == "water"))
    for nodes, tags in town.ways.values():
        kind = tags.get("highway", tags.get("railway"))
        street = kind in ("residential", "primary", "secondary", "tertiary", "motorway", "rail")
        if street and town.whole(nodes):
            obstacles.append(shapely.LineString(town.line(nodes)).buffer(2.5))
    tree = shapely.STRtree(obstacles)
    hits = tree.query(houses, predicate="intersects")
    assert len(hits[0]) == 0


def test_roads_pass_the_river_by_bridges_only(town):
    river = next(
        town.line(nodes) for nodes, tags in town.ways.values() if tags.get("waterway") == "river"
    )
    passes = [
        tags.get("bridge")
        for nodes, tags in town.ways.values()
        if ("highway" in tags or tags.get("railway") == "rail")
        and town.whole(nodes)
        and crossings(town.line(nodes), river)
    ]
    assert len(passes) >= 7
    assert set(passes) <= {"yes", "viaduct"}


def test_rails_and_streets_share_a_node_at_a_level_crossing(town):
    level = {n for n, (*_, tags) in town.nodes.items() if tags.get("railway") == "level_crossing"}
    on_rails = {
        n for nodes, tags in town.ways.values() if tags.get("railway") == "rail" for n in nodes
    }
    on_roads = {n for nodes, tags in town.ways.values() if "highway" in tags for n in nodes}
    assert len(level) >= 3
    assert level <= on_rails
    assert level <= on_roads


def test_it_is_as_untidy_as_real_extracts(town):
    cut_off = [nodes for nodes, _ in town.ways.values() if untidy.MISSING_NODE in nodes]
    single = [nodes for nodes, _ in town.ways.values() if len(nodes) == 1]
    incomplete = [
        members
        for members, _ in town.relations.values()
        if any(kind == "w" and ref == untidy.MISSING_WAY for kind, ref, _ in members)
    ]
    bowties = [p for p in town.polygons(lambda tags: "building" in tags) if not p.is_valid]
    assert (len(cut_off), len(single), len(incomplete), len(bowties)) == (1, 1, 1, 1)
    assert any("<script>" in tags.get("name", "") for tags in town.tagged)
    assert any(tags.get("layer") == "-2" for tags in town.tagged)


def test_its_multipolygons_have_holes(town):
    holed = [
        tags
        for members, tags in town.relations.values()
        if any(role == "inner" for _, _, role in members)
    ]
    assert {"lake", "stadium", "apartments"} <= {v for tags in holed for v in tags.values()}


def test_the_config_points_at_the_extract_and_asks_for_simulated_tiles_only():
    config = yaml.safe_load((TOY / "toy.yaml").read_text("utf-8"))
    assert (TOY / config["extract"]["path"]).is_file()
    assert {source["backend"] for source in config["sources"].values()} == {"simulated"}


def test_drawing_twice_in_one_process_gives_the_same():
    assert draw().ways == draw().ways


def test_shapes_know_where_lines_cross_and_can_be_cut():
    line = [(0.0, 0.0), (100.0, 0.0)]
    assert crossings(line, [(30.0, -5.0), (30.0, 5.0)]) == [(30.0, (30.0, 0.0))]
    assert piece(line, 20, 60) == [(20.0, 0.0), (60.0, 0.0)]
    assert smooth([(0.0, 0.0), (10.0, 5.0), (20.0, 0.0)], 100)[1] == (10.0, 5.0)
