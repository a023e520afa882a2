"""Plain values come back as pickle.loads gives them; any other pickle ends in a sentence."""

import pickle
import random
import struct
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from skyscript.files.plain_pickle import NotPlainError, loads

PLAIN = [
    {},
    [],
    "",
    0,
    -1,
    255,
    256,
    65_536,
    -(2**31),
    1.5,
    float("inf"),
    "雪 ثلج 🏔",
    "x" * 255,
    "Ж" * 255,  # OSM's limit counts characters, not bytes
    "x" * 1020,
    (1,),
    (1, 2),
    (1, 2, 3),
    (1, 2, 3, 4),
    {"a": [{"b": (1.0, "c")}, {}, [[]]]},
    [{"highway": "residential"}] * 2500,
    {f"key{number}": str(number) for number in range(2500)},
]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value)[:30])
def test_plain_values_come_back_as_they_were(value, protocol):
    assert loads(pickle.dumps(value, protocol=protocol)) == value


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Object:
    pass


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_would_run_code_is_refused_by_the_name_of_the_code(protocol, tmp_path):
    import os

    trace = tmp_path / "trace"
    data = pickle.dumps({"box": Calls(os.system, f"touch {trace}")}, protocol=protocol)
    with pytest.raises(NotPlainError, match=r"names code .'posix.system'.*not loaded"):
        loads(data)
    assert not trace.exists()


@pytest.mark.parametrize(
    "value",
    [np.float64(1.5), np.int64(3), np.zeros(2), Object(), {1, 2}, b"bytes", bytearray(9), True],
    ids=lambda value: type(value).__name__,
)
def test_any_other_type_is_refused(value):
    for protocol in (2, 4, 5):
        with pytest.raises(NotPlainError):
            loads(pickle.dumps({"key": value}, protocol=protocol))


HOSTILE = {
    "empty": b"",
    "no pickle": b"\x89PNG\r\n\x1a\n",
    "no protocol": b"].",
    "protocol 99": b"\x80\x63].",
    "operations of protocol 0": b"(dp0\n.",
    "stop without a value": b"\x80\x04.",
    "text of 2 GB": b"\x80\x04X\xff\xff\xff\x7fabc.",
    "text of 2**63 bytes": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7fabc.",
    "text beyond the end": b"\x80\x04\x8c\x09abc.",
    "second frame, which Python's reader would skip to": b"\x80\x04\x95\x02\0\0\0\0\0\0\0]\x95"
    + bytes(8)
    + b".",
    "bytearray of 4 GB": b"\x80\x05\x96\xff\xff\xff\xff\x00\x00\x00\x00].",
    "bytes of 4 GB": b"\x80\x04B\xff\xff\xff\xff.",
    "number of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "memo of 64 GB": b"\x80\x02]r\xff\xff\xff\x0f.",
    "memo of 64 GB as text": b"\x80\x02]p4000000000\n.",
    "recall of nothing": b"\x80\x04h\x07.",
    "tuple without a mark": b"\x80\x04t.",
    "triple of one": b"\x80\x04K\x01\x87.",
    "append to a dict": b"\x80\x04}K\x01a.",
    "items that do not pair": b"\x80\x04}(K\x01u.",
    "list as a key": b"\x80\x04}]K\x02s.",
    "half a surrogate": b"\x80\x04\x8c\x03\xed\xa0\x80.",
    "Latin-1": b"\x80\x04\x8c\x01\xe9.",
    "nine tuples": b"\x80\x04(" + b"K\x01\x85" * 9 + b"t.",
    "sets": b"\x80\x04" + b"\x8f" * 100 + b".",
    "persistent id": b"\x80\x04Pid\n.",
    "persistent id of a value": b"\x80\x04K\x01Q.",
    "extension": b"\x80\x04\x82\x01.",
    "build": b"\x80\x04}}b.",
    "reduce": b"\x80\x04]]R.",
    "instance": b"\x80\x04(ios\nsystem\n.",
    "global": b"\x80\x04cos\nsystem\n.",
    "global of texts": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    "global of numbers": b"\x80\x04K\x01K\x02\x93.",
    "code behind a text that looks like the end": b"\x80\x04\x8c\x02..cos\nsystem\n.",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_refused(data):
    with pytest.raises(NotPlainError):
        loads(data)


def test_a_frame_that_lies_about_its_length_changes_nothing():
    """Python's reader would skip the rest of a frame that is left early: another program then."""
    body = b"\x8c\x02ab\x94r\x05\0\0\0."
    for claimed in (0, 1, 5, 6, len(body), 2**40, 2**64 - 1):
        assert loads(b"\x80\x04\x95" + claimed.to_bytes(8, "little") + body) == "ab"


def test_a_pickle_of_several_frames_is_read():
    value = [{f"key{number}": f"value{number}" * 9} for number in range(5000)]
    data = pickle.dumps(value, protocol=4)
    assert data.count(b"\x95") > 2
    assert loads(data) == value


def test_code_hidden_in_a_text_is_text():
    assert loads(pickle.dumps(["cos\nsystem\n", "\x93R."], protocol=4)) == [
        "cos\nsystem\n",
        "\x93R.",
    ]


def test_a_float_may_hold_the_bytes_of_half_a_surrogate():
    number = struct.unpack(">d", b"\x40\xed\xa0\x80\0\0\0\0")[0]
    assert loads(pickle.dumps((number, "é"), protocol=4)) == (number, "é")


def test_values_nested_without_end_do_not_crash():
    depth = 100_000
    value = loads(b"\x80\x04" + b"]" * depth + b"a" * (depth - 1) + b".")
    assert isinstance(value, list)


def test_a_pickle_cut_anywhere_is_refused():
    data = pickle.dumps({"a": [{"b": (1.0, 2, "c")}]}, protocol=4)
    for length in range(len(data)):
        with pytest.raises(NotPlainError):
            loads(data[:length])


def test_random_damage_gives_a_value_or_the_one_error():
    draw = random.Random(0)
    whole = pickle.dumps({"box": (1.0, 2.0), "tags": [{"a": "b"}] * 3, "t": 2019}, protocol=4)
    refused = 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            loads(bytes(data))
        except NotPlainError:
            refused += 1
    assert 1000 < refused < 3000


@pytest.mark.slow
def test_memory_stays_in_proportion_to_the_input():
    program = textwrap.dedent("""
        import resource
        from skyscript.files.plain_pickle import (NotPlainError, loads)

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        def flood(operations, end=b"."):
            try:
                loads(b"\\x80\\x04]q\\x00" + operations * ((1 << 19) // len(operations)) + end)
            except NotPlainError:
                pass

        before = peak()
        for operations in (b"}", b"]", b"(", b"]}a", b"K\\xff", b"h\\x00", b"\\x8c\\x00"):
            flood(operations)
        flood(b"}", end=b"")
        print((peak() - before) * 1024 / (1 << 19))
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 100  # bytes of memory for a byte of input


def test_the_error_names_no_more_than_a_line_of_the_file():
    data = b"c" + b"a" * 100_000 + b"\n" + b"b" * 100_000 + b"\n."
    with pytest.raises(NotPlainError) as refusal:
        loads(data)
    assert len(str(refusal.value)) < 300


def test_floats_are_exact():
    number = struct.unpack(">d", b"\x40\x1d\xcc\xcc\xcc\xcc\xcc\xcd")[0]
    assert loads(pickle.dumps(number, protocol=4)) == number
