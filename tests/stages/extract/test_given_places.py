"""What a file says beside plain objects is heeded: places on ways, deleted objects, its format."""

import gzip
import json
import shutil

import pytest
import shapely

from pipeline.errors import InputError
from skyscript.osm import elements
from skyscript.osm.copies import copy_if_needed
from skyscript.osm.rejected import NODES_MISSING
from stages.extract import rows as osm_rows
from tests.conftest import TOWN
from tests.skyscript.osm.osm_text import CORNERS, by_id, extracted, geometry, write_opl

pytestmark = pytest.mark.slow


OUT_GEOM = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6" generator="Overpass API">
<way id="1"><bounds minlat="47" minlon="9" maxlat="47.01" maxlon="9.01"/>
<nd ref="1" lat="47.0" lon="9.0"/><nd ref="2" lat="47.0" lon="9.001"/>
<nd ref="3" lat="47.001" lon="9.001"/><nd ref="1" lat="47.0" lon="9.0"/>
<tag k="building" v="yes"/></way>
<way id="2"><nd ref="5"/><nd ref="6" lat="47.0" lon="9.002"/><tag k="highway" v="path"/></way>
</osm>
"""
TRIANGLE = shapely.Polygon([(9, 47), (9.001, 47), (9.001, 47.001)])
PLACES = [{"lat": lat, "lon": lon} for lon, lat in TRIANGLE.exterior.coords]


def test_places_that_overpass_writes_on_ways_are_kept(tmp_path):
    (tmp_path / "answer.osm").write_text(OUT_GEOM)
    (tmp_path / "answer.osm.gz").write_bytes(gzip.compress(OUT_GEOM.encode()))
    for name in ("answer.osm", "answer.osm.gz"):
        rows = by_id(extracted(tmp_path / name, tmp_path))
        assert geometry(rows["a1"]).equals(TRIANGLE)
        assert rows["w2"]["reason"] == osm_rows.NO_NODES  # Overpass cut it off at the query's box


def test_places_on_ways_of_opl_are_kept_beside_the_file_s_own_nodes(tmp_path):
    path = write_opl(
        tmp_path / "located.opl",
        """
        n21 v1 Tnatural=tree x9 y47
        n31 v1 x9.1 y47.1
        w1 v1 Thighway=residential Nn11x9y47,n12x9.001y47
        w2 v1 Tbuilding=yes Nn21,n22x9.001y47,n23x9.001y47.001,n21x9y47
        w3 v1 Thighway=residential Nn31,n12
        """,
    )
    rows = by_id(extracted(path, tmp_path))
    assert geometry(rows["w1"]).equals(shapely.LineString([(9, 47), (9.001, 47)]))
    assert geometry(rows["a2"]).equals(TRIANGLE)
    assert geometry(rows["w3"]).equals(shapely.LineString([(9.1, 47.1), (9.001, 47)]))
    assert rows["n21"]["tags"] == [("natural", "tree")]


def test_an_answer_of_overpass_as_json_is_read_with_its_relations(tmp_path):
    elements = [
        {
            "type": "relation",
            "id": 4,
            "members": [
                {"type": "way", "ref": 77, "role": "outer", "geometry": PLACES[:3]},
                {"type": "way", "ref": 78, "role": "outer", "geometry": PLACES[2:]},
            ],
            "tags": {"type": "multipolygon", "landuse": "forest"},
        },
        {
            "type": "way",
            "id": 1,
            "nodes": [1, 2, 3, 1],
            "geometry": PLACES,
            "tags": {"building": "yes"},
        },
        {
            "type": "way",
            "id": 3,
            "nodes": [1, 7],
            "geometry": [PLACES[0], None],
            "tags": {"highway": "path"},
        },
        {
            "type": "node",
            "id": 9,
            "lat": 47,
            "lon": 9.5,
            "version": 3,
            "timestamp": "2020-01-01T00:00:00Z",
            "tags": {"natural": "tree"},
        },
    ]
    for name in ("answer.json", "answer.osm"):
        (tmp_path / name).write_text(json.dumps({"version": 0.6, "elements": elements}))
        rows = by_id(extracted(tmp_path / name, tmp_path))
        assert geometry(rows["a1"]).equals(TRIANGLE)
        assert geometry(rows["r4"]).equals(TRIANGLE)
        assert rows["w3"]["reason"] == osm_rows.NO_NODES
        assert (rows["n9"]["osm_version"], rows["n9"]["changed"].year) == (3, 2020)


MEMBERS = """<osm version="0.6" generator="Overpass API">
<relation id="4"><bounds minlat="47" minlon="9" maxlat="47.001" maxlon="9.001"/>
<member type="way" ref="77" role="outer"><nd lat="47.0" lon="9.0"/><nd lat="47.0" lon="9.001"/>
<nd lat="47.001" lon="9.001"/></member>
<member type="way" ref="78" role="outer"><nd lat="47.001" lon="9.001"/><nd lat="47.0" lon="9.0"/>
</member><tag k="type" v="multipolygon"/><tag k="landuse" v="forest"/></relation>
<relation id="5"><member type="way" ref="79" role="outer"><nd lat="NaN" lon="9"/>
<nd lat="47" lon="9.001"/><nd lat="47.001" lon="9.001"/><nd lat="NaN" lon="9"/></member>
<tag k="type" v="multipolygon"/><tag k="landuse" v="grass"/></relation>
<way id="3"><nd ref="1" lat="47.0" lon="9.0"/><nd ref="2" lat="47.0" lon="9.002"/>
<tag k="highway" v="path"/></way>
</osm>"""


def test_relations_are_assembled_from_the_places_that_their_members_carry(tmp_path):
    (tmp_path / "answer.osm").write_text(MEMBERS)
    rows = by_id(extracted(tmp_path / "answer.osm", tmp_path))
    assert geometry(rows["r4"]).equals(TRIANGLE)
    assert rows["r5"]["reason"] == NODES_MISSING
    assert rows["w3"]["status"] == "ok"


def test_a_member_joins_a_way_that_the_answer_holds_itself(tmp_path):
    members = [
        {"type": "way", "ref": ref, "role": "outer", "geometry": places}
        for ref, places in ((77, PLACES[:3]), (78, PLACES[2:]))
    ]
    tags = {"type": "multipolygon", "landuse": "forest"}
    relation = {"type": "relation", "id": 4, "members": members, "tags": tags}
    way = {"type": "way", "id": 77, "nodes": [1, 2, 3], "geometry": PLACES[:3]}
    (tmp_path / "answer.json").write_text(json.dumps({"elements": [relation, way]}))
    assert geometry(by_id(extracted(tmp_path / "answer.json", tmp_path))["r4"]).equals(TRIANGLE)


BAD_PLACES = ["nan", "", " 46,0", "91", "inf", "1e400", "-47.0.0"]


def test_a_bad_coordinate_costs_its_object_alone(tmp_path):
    nodes = [
        f'<node id="{number}" lat="{lat}" lon="9"><tag k="natural" v="tree"/></node>'
        for number, lat in enumerate(["47", *BAD_PLACES], start=1)
    ]
    path = '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way>'
    text = f'<osm version="0.6">{"".join(nodes)}{path}</osm>'
    (tmp_path / "town.osm").write_text(text)
    (tmp_path / "town.osm.gz").write_bytes(gzip.compress(text.encode()))
    things = [
        {"type": "node", "id": number, "lat": lat, "lon": 9, "tags": {"natural": "tree"}}
        for number, lat in enumerate(["47", *BAD_PLACES], start=1)
    ]
    things += [{"type": "way", "id": 1, "nodes": [1, 2], "tags": {"highway": "path"}}]
    (tmp_path / "town.json").write_text(json.dumps({"elements": things}))
    for name in ("town.osm", "town.osm.gz", "town.json"):
        rows = by_id(extracted(tmp_path / name, tmp_path))
        assert rows.pop("n1")["status"] == "ok"
        assert rows.pop("w1")["reason"] == osm_rows.NO_NODES
        assert [row["reason"] for row in rows.values()] == [osm_rows.NO_PLACE] * len(BAD_PLACES)


def test_a_file_that_only_fits_in_memory_is_read_up_to_a_size(tmp_path, monkeypatch):
    monkeypatch.setattr(elements, "UP_TO", 10)
    for name, text in (("answer.json", '{"elements": []}'), ("answer.osm", MEMBERS)):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match="read up to 0 MB"):
            copy_if_needed(tmp_path / name, name.split(".")[1], tmp_path)


def test_what_an_editor_marked_as_deleted_is_not_read(tmp_path):
    (tmp_path / "edited.osm").write_text(
        """<osm version='0.6' generator='JOSM'>
        <node id='1' action='delete' visible='true' lat='47' lon='9'>
        <tag k='natural' v='tree'/></node>
        <node id='2' visible='false' lat='47' lon='9'><tag k='natural' v='tree'/></node>
        <node id='3' action='modify' lat='47' lon='9.01'>
        <tag k='natural' v='tree'/><tag k='note' v="action='delete'"/></node>
        <way id='3' action='delete'><nd ref='1'/><nd ref='3'/><tag k='highway' v='path'/></way>
        </osm>"""
    )
    (row,) = extracted(tmp_path / "edited.osm", tmp_path).to_pylist()
    assert row["object_id"] == "n3"


@pytest.mark.parametrize("name", ["TOWN.OSM.PBF", "town", "town.data"])
def test_a_file_without_the_usual_ending_is_read_by_its_format(tmp_path, name):
    shutil.copy(TOWN, tmp_path / name)
    given = {} if name == "TOWN.OSM.PBF" else {"format": "pbf"}
    assert extracted(tmp_path / name, tmp_path, **given).equals(extracted(TOWN, tmp_path))


def test_nodes_that_follow_their_ways_are_found(tmp_path):
    path = write_opl(tmp_path / "late.opl", "w1 Tbuilding=yes Nn1,n2,n3,n1", CORNERS)
    (row,) = extracted(path, tmp_path).to_pylist()
    assert row["status"] == "ok"


def test_a_tag_that_is_not_utf_8_costs_its_object_alone(tmp_path):
    path = write_opl(tmp_path / "latin.opl", "n1 Tnatural=tree,name=Caf? x7 y43")
    path.write_bytes(path.read_bytes().replace(b"?", b"\xe9") + b"n2 Tnatural=tree x7 y43\n")
    rows = by_id(extracted(path, tmp_path))
    assert rows["n1"]["reason"] == osm_rows.NOT_TEXT
    assert rows["n2"]["status"] == "ok"
