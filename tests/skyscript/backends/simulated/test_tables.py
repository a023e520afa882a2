"""The tables of looks: how a row is chosen, and what a broken table says."""

import pytest

from pipeline.errors import InputError
from skyscript.backends.simulated import looks
from skyscript.backends.simulated.looks import COLUMNS, Layer, look_of, read_looks
from skyscript.backends.simulated.marks import read_marks
from skyscript.backends.simulated.tables import tables_digest

POINT, LINE, AREA = 0, 1, 2
HEADER = ",".join(COLUMNS)


def row(**cells):
    """Make a line of the table; cells that are not named are empty."""
    return ",".join({**dict.fromkeys(COLUMNS, ""), **cells}.values())


def colour(look):
    return "#{:02x}{:02x}{:02x}".format(*look.colour[0].colour)


class TestShippedTables:
    def test_they_can_be_read_and_hold_hundreds_of_looks(self):
        table = read_looks()
        assert sum(len(values) for values in table.looks.values()) > 800
        assert len(table.changes) > 200

    def test_every_stamp_is_a_look_of_a_point(self):
        for values in read_looks().looks.values():
            for look in values.values():
                assert look.stamp is None or looks.stamp_look(look.stamp)

    def test_what_a_change_is_taken_for_stands_in_the_table(self):
        table = read_looks()
        changed = {key for key, _ in table.changes}
        for values in table.looks.values():
            for look in values.values():
                free = {"lanes", "colour", "building:colour", "roof:colour"}
                assert set(look.takes) <= changed | free

    def test_their_content_names_the_version_of_the_source(self):
        assert tables_digest() == tables_digest()
        assert len(tables_digest()) >= 16


class TestWhichLook:
    def test_the_value_goes_before_the_star(self):
        assert look_of({"building": "barn"}, AREA) != look_of({"building": "odd"}, AREA)
        assert look_of({"building": "odd"}, AREA) == look_of({"building": "other"}, AREA)

    def test_the_key_that_stands_first_in_the_table_decides(self):
        tower, land = {"man_made": "tower"}, {"landuse": "meadow"}
        assert look_of(land | tower, AREA) == look_of(tower | land, AREA) == look_of(tower, AREA)

    def test_another_attribute_changes_the_look_and_the_last_that_is_taken_wins(self):
        pitch = {"leisure": "pitch", "sport": "tennis"}
        assert look_of(pitch, AREA).mark is not None
        sand = look_of(pitch | {"surface": "sand"}, AREA)
        assert sand.mark == look_of(pitch, AREA).mark
        assert sand.colour != look_of(pitch, AREA).colour

    def test_a_bridge_is_another_layer(self):
        road = {"highway": "primary"}
        assert look_of(road, LINE).layer is Layer.ROAD
        assert look_of(road | {"bridge": "yes"}, LINE).layer is Layer.BRIDGE
        assert look_of(road | {"bridge": "no"}, LINE).layer is Layer.ROAD

    def test_tags_give_sizes(self):
        assert look_of({"highway": "service", "width": "8 m"}, LINE).width == 8
        assert look_of({"building": "yes", "height": "40"}, AREA).height == 40
        assert look_of({"building": "yes", "building:levels": "10"}, AREA).height > 30
        assert look_of({"man_made": "silo", "diameter": "12"}, POINT).width == 12
        assert look_of({"man_made": "silo", "diameter": "wide"}, POINT).width == 8

    def test_a_tag_that_is_in_no_table_has_one_look_and_what_cannot_be_seen_has_none(self):
        assert look_of({"amenity": "theatre"}, AREA) == look_of({"amenity": "theatre"}, AREA)
        assert look_of({"amenity": "theatre"}, AREA) != look_of({"amenity": "car_wash"}, AREA)
        assert look_of({"name": "Needle"}, POINT) is None

    def test_a_row_may_stand_for_several_keys_and_also_be_a_change(self):
        house = {"key": "a a/b", "value": "c d", "dimension": "A+", "layer": "water"}
        plain = {"key": "a", "value": "*", "dimension": "A", "colour": "#102030", "takes": "a/b"}
        table = read_looks([HEADER, row(**house), row(**plain)])
        assert set(table.looks) == {"a"}
        assert set(table.looks["a"]) == {("A", "c"), ("A", "d"), ("A", "*")}
        assert table.looks["a"]["A", "c"].layer is Layer.WATER
        assert colour(table.looks["a"]["A", "*"]) == "#102030"
        assert table.changes["a/b", "d"] == {"layer": Layer.WATER}


class TestBrokenTables:
    @pytest.mark.parametrize(
        ("cells", "says"),
        [
            ({"dimension": "X"}, "dimension must be P, L, A"),
            ({"dimension": ""}, "dimension must be P, L, A"),
            ({"layer": "sky"}, "'SKY' is no layer"),
            ({"colour": "reddish"}, "'reddish' is not a colour"),
            ({"colour": "#102030/cheese"}, "'cheese' is not a material"),
            ({"width": "wide"}, "could not convert string to float: 'wide'"),
            ({"pattern": "stripes"}, "'stripes' is no pattern"),
            ({"pattern": "zigzag #102030 3 3"}, "'zigzag' is no pattern"),
            ({"mark": "nothing"}, "'nothing' is no mark"),
            ({"stamp": "tree 3"}, "'tree 3' is no stamp"),
        ],
    )
    def test_one_sentence_names_the_line(self, cells, says):
        good = {"key": "a", "value": "b", "dimension": "A"}
        with pytest.raises(InputError, match=r"^looks\.csv, line 2: ") as caught:
            read_looks([HEADER, row(**{**good, **cells})])
        assert says in str(caught.value)

    def test_the_columns_and_their_count_are_checked(self):
        with pytest.raises(InputError, match="the columns must be key, value"):
            read_looks(["key,value"])
        with pytest.raises(InputError, match="line 2: a row has 15 cells"):
            read_looks([HEADER, "a,b"])

    @pytest.mark.parametrize(
        ("drawing", "says"),
        [
            ("", "a stroke is missing"),
            ("spiral 1 2 3", "there is no stroke 'spiral'"),
            ("box 1 2 3", "wrong count of numbers"),
            ("line 0 0 1 x", "could not convert string to float: 'x'"),
        ],
    )
    def test_so_are_drawings(self, drawing, says):
        with pytest.raises(InputError, match=r"^marks\.csv, line 2: ") as caught:
            read_marks(["mark,length,width,drawing", f"m,,,{drawing}"])
        assert says in str(caught.value)
