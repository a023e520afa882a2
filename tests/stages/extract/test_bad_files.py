"""OSM files that cannot be read are named in one sentence."""

import pytest

from pipeline.errors import InputError
from tests.conftest import extracts
from tests.skyscript.osm.osm_text import convert, extracted, write_opl

pytestmark = pytest.mark.slow


def make_missing(path):
    return path / "nowhere.osm.pbf"


def make_folder(path):
    (path / "folder.osm.pbf").mkdir()
    return path / "folder.osm.pbf"


def make_png(path):
    (path / "picture.osm.pbf").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    return path / "picture.osm.pbf"


def make_empty_file(path):
    (path / "empty.osm.pbf").write_bytes(b"")
    return path / "empty.osm.pbf"


def make_broken_xml(path):
    (path / "half.osm").write_text('<osm version="0.6"><node id="1" lat="1" lon="1"/>')
    return path / "half.osm"


def make_unknown_ending(path):
    return write_opl(path / "town.txt", "n1 Tnatural=tree x7 y43")


def make_no_ending(path):
    return write_opl(path / "town", "n1 Tnatural=tree x7 y43")


def make_xml(path, *things):
    (path / "town.osm").write_text(f'<osm version="0.6">{"".join(things)}</osm>')
    return path / "town.osm"


def make_id_too_large(path):
    return make_xml(path, '<node id="9223372036854775807" lat="1" lon="9"/>')


def make_xml_of_overpass(path):
    remark = '<remark> runtime error: Query timed out in "query" at line 1 </remark>'
    return make_xml(path, '<node id="1" lat="1" lon="9"/>', remark)


def make_nul_in_tag(path):
    """Make a file whose middle node has a tag with a zero byte: libosmium runs on past its end."""
    lines = [f"n{number} Tnatural=tree x9 y47" for number in (1, 3)]
    lines.insert(1, "n2 Tname=aZb,natural=tree x9 y47")
    plain = convert(
        write_opl(path / "nodes.opl", *lines), path / "nul.osm.pbf", "pbf,pbf_compression=none"
    )
    data = plain.read_bytes()
    assert data.count(b"aZb") == 1
    plain.write_bytes(data.replace(b"aZb", b"a\0b"))
    return plain


def make_empty_folder(path):
    (path / "folder").mkdir()
    (path / "folder" / "notes.txt").touch()
    return path / "folder"


def make_pattern(path):
    return path / "*.osm.pbf"


def make_json(text):
    def make(path):
        (path / "answer.json").write_text(text)
        return path / "answer.json"

    return make


def make_change_file(path):
    (path / "day.osc").write_text('<osmChange version="0.6"/>')
    return path / "day.osc"


def make_nothing_to_see(path):
    return write_opl(path / "dull.opl", "n1 Tname=Nowhere x7 y43", "n2 x7 y43")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_missing, "does not exist"),
        (make_folder, "is a folder without an OSM file"),
        (make_empty_folder, "is a folder without an OSM file"),
        (make_pattern, "matches no file"),
        (make_nul_in_tag, "libosmium crashed with SIGSEGV at node 2:"),
        (make_png, "cannot be read as an OSM file"),
        (make_empty_file, "cannot be read as an OSM file"),
        (make_broken_xml, "cannot be read as an OSM file"),
        (make_unknown_ending, "ending"),
        (make_no_ending, "name its `format`"),
        (make_id_too_large, "illegal id: '9223372036854775807'"),
        (make_json('{"type": "FeatureCollection"}'), "no whole answer of Overpass"),
        (make_json("[1]"), "no whole answer of Overpass"),
        (make_json('{"elements": [{"type": "node", "id": 1'), "no whole answer of Overpass"),
        (make_json('{"elements": [{"type": "node", "id": "x"}]}'), "no whole answer of Overpass"),
        (make_xml_of_overpass, "Overpass gave up .runtime error: Query timed out"),
        (make_json('{"elements": [], "remark": "runtime error: Query timed out"}'), "timed out"),
        (make_change_file, "history or change file"),
        (make_nothing_to_see, "no object with a key of the vocabulary"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_file(tmp_path, make, words):
    path = make(tmp_path)
    root = tmp_path / "run"
    with pytest.raises(InputError, match=words) as error:
        extracted(path, root)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert not root.exists() or not list(root.iterdir())


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.999])
@pytest.mark.parametrize("whole", extracts("monaco"))
def test_a_pbf_that_is_cut_off_is_refused(tmp_path, whole, share):
    data = whole.read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match="truncated"):
        extracted(path, tmp_path)
