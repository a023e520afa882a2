"""A user's own labels: what is read, and what is refused in one sentence."""

import pytest

from tag_vocab import look_up, read_own_labels
from tag_vocab.commands import COLUMNS, lookup
from tag_vocab.own import likely_meant
from tests.tag_vocab.test_vocabulary import HOSTILE

HEADER = "tag,groundable,max_gsd,phrase,reason\n"


@pytest.fixture
def read(tmp_path):
    def run(text, header=HEADER):
        path = tmp_path / "own.csv"
        path.write_bytes((header + text).encode(errors="surrogatepass"))
        return read_own_labels(path)

    return run


def test_a_label_says_whether_how_far_how_it_is_called_and_why(read):
    found = read("man_made=crane,yes,0.25,tower crane,mast and jib\nshop=*,no,,,\n")
    crane = found["man_made", "crane"]
    assert crane.entry == (True, 0.25, "own", "mast and jib", 1.0)
    assert crane.phrase == "tower crane"
    assert found["shop", "*"].entry == (False, None, "own", "a label of the user", 0.0)


def test_columns_stand_in_any_order_and_two_may_be_missing(read):
    found = read("0.6,yes,building=barn\n", header="max_gsd,groundable,tag\n")
    assert found["building", "barn"].entry.max_gsd == 0.6


def test_what_lookup_writes_can_be_given_back(read):
    tags = ["building=church", "shop=cheese", "sport=tennis"]
    text = "".join(",".join(row) + "\n" for row in lookup(tags))
    found = read(text, header=",".join(COLUMNS) + "\n")
    for tag in tags:
        key, _, value = tag.partition("=")
        assert found[key, value].entry[:2] == look_up(key, value)[:2]


def test_an_old_spelling_is_a_label_of_today_s(read):
    assert set(read("power=sub_station,yes,0.6,,\n")) == {("power", "substation")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("building,yes,1,,\n", "line 2: the tag is 'building'; write key=value"),
        ("=x,yes,1,,\n", "write key=value"),
        ("a=,yes,1,,\n", "write key=value"),
        ("a=b,maybe,1,,\n", "line 2: groundable is 'maybe'; write yes or no"),
        ("a=b,yes,,,\n", "line 2: max_gsd is ''; write metres"),
        ("a=b,yes,nan,,\n", "max_gsd is 'nan'"),
        ("a=b,yes,inf,,\n", "max_gsd is 'inf'"),
        ("a=b,yes,-1,,\n", "max_gsd is '-1'"),
        ("a=b,no,1,,\n", "a tag that is not groundable has no max_gsd"),
        ("a=b,yes,1,,\na=b,no,,,\n", "line 3: a=b has two labels"),
        ("a=b,yes,1\n", "more or fewer values"),
        ("a=b,yes,1,,,,\n", "more or fewer values"),
        ("a=b,yes,1,x\x1by,\n", "the phrase holds control"),
        ('"a=b\nc",yes,1,,\n', "the tag holds control"),
        ("a=b,yes,1,,\xff\ud800\n", "is not a CSV file in UTF-8"),
        ('"a=b,yes,1,,\n', "is not a CSV file in UTF-8"),
        (f"a={'x' * 300},yes,1,,\n", "at most 255 characters"),
        (f"a=b,yes,1,{'x' * 300},\n", "longer than 255"),
        ("power=busbar,yes,1,,\n", "an old spelling of power=line [+] line=busbar: label that"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(read, text, said):
    with pytest.raises(ValueError, match=said) as error:
        read(text)
    assert "own.csv" in str(error.value)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "has no column tag, groundable, max_gsd"),
        ("tag,groundable\n", "has no column max_gsd"),
        ("tag,groundable,max_gsd,phrse\n", "unknown column 'phrse'; known are tag"),
        ("tag,tag,groundable,max_gsd\n", "names a column twice"),
    ],
)
def test_a_wrong_header_is_named(read, header, said):
    with pytest.raises(ValueError, match=said):
        read("", header=header)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_read_or_refused_never_a_crash(read, text):
    quoted = text.replace('"', '""')
    try:
        found = read(f'"building={quoted}",yes,1,,\n')
    except ValueError:
        return
    assert len(found) == 1


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("man_mode=water_tower", "man_made=water_tower"),
        ("building=chruch", "building=church"),
        ("bulding=*", "building=*"),
        ("building=church", None),
        ("building=*", None),
        ("building=boiler_house", None),
        ("surface_state=rough", None),  # of a known key without a rule
        ("my:key=a", None),
        ("name=Bob", None),
        ("=", None),
    ],
)
def test_a_label_of_an_unknown_tag_names_the_known_one_that_may_be_meant(tag, meant):
    key, _, value = tag.partition("=")
    assert likely_meant(key, value) == meant
