"""The published meta file: what is written, what is read, and what is refused with a sentence."""

import pickle

import numpy as np
import pytest

from pipeline.errors import InputError
from skyscript.files.meta import MAX_BYTES, Meta, dump_meta, load_meta
from skyscript.geo.tile import Box

META = Meta(
    box=Box(7.41, 43.72, 7.42, 43.73),
    time=(2019, 7, 1, 10, 30),
    center_tags={"power": "pole"},
    surrounding_tags=[{"power": "line", "cables": "3"}, {"natural": "tree"}],
)
PUBLISHED = {
    "box": (7.41, 43.72, 7.42, 43.73),
    "time": (2019, 7, 1, 10, 30),
    "center_tags": {"power": "pole"},
    "surrounding_tags": [{"power": "line", "cables": "3"}, {"natural": "tree"}],
}
WHERE = "meta2/n1_US_20.pickle"


def test_plain_pickle_loads_reads_the_published_form():
    value = pickle.loads(dump_meta(META))
    assert value == PUBLISHED
    assert list(value) == ["box", "time", "center_tags", "surrounding_tags"]
    assert type(value["box"]) is type(value["time"]) is tuple
    assert {type(edge) for edge in value["box"]} == {float}
    assert {type(part) for part in value["time"]} == {int}


def test_what_is_written_is_read_back():
    assert load_meta(dump_meta(META), WHERE) == META


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles_of_any_common_protocol_are_read(protocol):
    assert load_meta(pickle.dumps(PUBLISHED, protocol=protocol), WHERE) == META


def test_equal_metas_give_equal_bytes_whatever_objects_they_share():
    one = "".join(["foot", "way"])
    other = "".join(["footw", "ay"])
    shared, apart = [{"highway": one}, {"highway": one}], [{"highway": one}, {"highway": other}]
    assert one is not other
    first = dump_meta(META._replace(surrounding_tags=shared))
    assert first == dump_meta(META._replace(surrounding_tags=apart))
    assert first == dump_meta(META._replace(surrounding_tags=[shared[0], shared[0]]))


def test_numbers_of_numpy_are_written_as_plain_ones():
    meta = META._replace(box=Box(*np.array(META.box)), time=tuple(np.array(META.time)))
    assert dump_meta(meta) == dump_meta(META)


def test_whole_numbers_and_lists_are_taken_and_further_keys_passed_over():
    value = PUBLISHED | {"box": [7, 43, 8, 44], "time": [2019, 7, 1, 10, 30], "more": "x"}
    meta = load_meta(pickle.dumps(value), WHERE)
    assert meta.box == Box(7.0, 43.0, 8.0, 44.0)
    assert meta.time == META.time


WRONG = {
    "not a dict": ([PUBLISHED], "holds a list"),
    "no box": ({key: PUBLISHED[key] for key in PUBLISHED if key != "box"}, "has no box"),
    "nothing": ({}, "has no box, time, center_tags, surrounding_tags"),
    "box of three": (PUBLISHED | {"box": (1.0, 2.0, 3.0)}, "tuple of 4 numbers"),
    "box of text": (PUBLISHED | {"box": ("1", "2", "3", "4")}, "not float or int"),
    "box east of itself": (PUBLISHED | {"box": (8.0, 43.0, 7.0, 44.0)}, "west < east"),
    "box upside down": (PUBLISHED | {"box": (7.0, 44.0, 8.0, 43.0)}, "south < north"),
    "latitude first": (PUBLISHED | {"box": (43.0, 107.0, 44.0, 108.0)}, "in degrees"),
    "box beyond the pole": (PUBLISHED | {"box": (7.0, 89.0, 8.0, 90.5)}, "in degrees"),
    "box of nothing": (PUBLISHED | {"box": (float("nan"),) * 4}, "in degrees"),
    "endless box": (PUBLISHED | {"box": (0, 0, 10**400, 1)}, "operation LONG1"),
    "numpy box": (PUBLISHED | {"box": tuple(np.array(META.box))}, "names code .'numpy"),
    "month 13": (PUBLISHED | {"time": (2019, 13, 1, 0, 0)}, "has a time"),
    "30 February": (PUBLISHED | {"time": (2019, 2, 30, 0, 0)}, "has a time"),
    "hour 24": (PUBLISHED | {"time": (2019, 2, 3, 24, 0)}, "has a time"),
    "year 19": (PUBLISHED | {"time": (19, 2, 3, 4, 0)}, "has a time"),
    "year 2 billion": (PUBLISHED | {"time": (2**31 - 1, 2, 3, 4, 0)}, "has a time"),
    "time in floats": (PUBLISHED | {"time": (2019.0, 2, 3, 4, 0)}, "not int"),
    "time with seconds": (PUBLISHED | {"time": (2019, 2, 3, 4, 0, 0)}, "tuple of 5"),
    "tags in a list": (PUBLISHED | {"center_tags": [("a", "b")]}, "a dict of tags belongs"),
    "number as a key": (PUBLISHED | {"surrounding_tags": [{2: "a"}]}, "a tag of int and str"),
    "number as a value": (PUBLISHED | {"center_tags": {"lanes": 2}}, "a tag of str and int"),
    "neighbours in a dict": (PUBLISHED | {"surrounding_tags": {}}, "of type dict, not list"),
    "neighbour of text": (PUBLISHED | {"surrounding_tags": ["tree"]}, "has str in surrounding"),
    "endless value": (PUBLISHED | {"center_tags": {"a": "b" * 1021}}, "more than 1020 bytes"),
}


@pytest.mark.parametrize(("value", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_is_not_the_published_form_is_refused_in_a_sentence_with_the_file(value, reason):
    with pytest.raises(InputError, match=reason) as refusal:
        load_meta(pickle.dumps(value), WHERE)
    message = str(refusal.value)
    assert message.startswith(f"{WHERE}: ")
    assert message.endswith(".")
    assert "\n" not in message


def test_one_large_dict_named_many_times_is_refused_before_it_is_walked():
    tags = {f"key{number}": "value" for number in range(2000)}
    data = pickle.dumps(PUBLISHED | {"surrounding_tags": [tags] * 50_000})
    assert len(data) < MAX_BYTES
    with pytest.raises(InputError, match="names more than 200000 tags"):
        load_meta(data, WHERE)


def test_a_list_that_holds_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(InputError):
        load_meta(pickle.dumps(PUBLISHED | {"surrounding_tags": endless}), WHERE)


def test_an_oversized_file_is_refused_unread():
    with pytest.raises(InputError, match="larger than 2 MiB"):
        load_meta(b"\x00" * (MAX_BYTES + 1), WHERE)
