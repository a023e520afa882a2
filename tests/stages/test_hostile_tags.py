"""Tags as anybody may write them into the map: captions, CSVs, pickles and the page stay sound."""

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from skyscript.captions import (
    CaptionConfig,
    Neighbour,
    ReadableStyle,
    multi_caption,
    single_caption,
)
from skyscript.files.pairs_csv import PairsCsv, write_pairs
from tag_vocab import SHIPPED
from tests.conftest import answered, skyscript
from tests.hostile import TEXTS
from tests.skyscript.osm.osm_text import convert, write_opl

STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Control characters, ends of lines, and marks of direction."""
TAGS = st.dictionaries(
    st.sampled_from(["building", "sport", "surface", "crop", "height", "building:levels"]) | TEXTS,
    TEXTS | st.sampled_from(["yes", "church", "9e99", "-3", "tennis;tennis;<b>"]),
    max_size=4,
)


@pytest.mark.slow
@given(center=TAGS, around=st.lists(TAGS, max_size=3))
def test_any_tags_give_captions_of_one_printable_line(tmp_path_factory, center, around):
    config = CaptionConfig()
    captions = [single_caption(center, config), multi_caption(center, around, config)]
    near = [Neighbour(tuple(tags.items()), "a", 0.5) for tags in around]
    readable = ReadableStyle(CaptionConfig(style="readable"), SHIPPED)
    captions += [
        text
        for text in readable.captions(tuple(center.items()), "a", near) or ()
        if isinstance(text, str)
    ]
    assert not any(map(STEERING.search, captions)), captions
    path = tmp_path_factory.mktemp("any") / "captions.csv"
    write_pairs(path, ("filepath", "title"), [("images2/a1_CH_19.jpg", text) for text in captions])
    assert [row[1] for row in PairsCsv(path).rows()] == captions


HOSTILE = [
    "<script>alert(1)</script>", "=cmd|'/C calc'!A0", "\u202egnp.elppa", "\x1b[31mred", "a\nb",
    "{{7*7}}", "x" * 255, "é" * 255, '","', "..%2f..%2fetc", "9" * 200, "%s%n", "\ufeff",
]  # fmt: skip


def quoted(text: str) -> str:
    """Escape all characters, as OPL does."""
    return "".join(f"%{ord(character):x}%" for character in text)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the whole pipeline on a square of buildings with hostile tags."""
    folder = tmp_path_factory.mktemp("hostile")
    lines, ways = [], []
    for number, text in enumerate(HOSTILE):
        x, y, first = 7 + 0.001 * number, 43.0, 10 * number + 1
        corners = [(x, y), (x + 4e-4, y), (x + 4e-4, y + 4e-4), (x, y + 4e-4)]
        lines += [f"n{first + n} x{a:.5f} y{b:.5f}" for n, (a, b) in enumerate(corners)]
        refs = ",".join(f"n{first + n}" for n in (0, 1, 2, 3, 0))
        value = quoted(text)
        keys = ("name", "sport", "surface", "building%3a%material")
        tags = "building=yes," + ",".join(f"{key}={value}" for key in keys)
        ways.append(f"w{number + 1} T{tags},{value}=yes N{refs}")
    osm = convert(write_opl(folder / "h.opl", *lines, *ways), folder / "hostile.osm.pbf")
    config = {
        "extract": {"path": str(osm)},
        "sources": {"SIM": {"backend": "simulated"}},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(config))
    done = skyscript("run", folder / "run.yaml", "--out", folder / "run", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "\x1b[31mred" not in done.stderr
    return folder / "run"


@pytest.mark.slow
def test_a_run_on_hostile_tags_ends_well(run: Path) -> None:
    text = (run / "SkyScript_train_unfiltered.csv").read_text()
    assert len(text.splitlines()) == len(HOSTILE) + 1
    with (run / "SkyScript_train_unfiltered.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(HOSTILE)
    for row in rows:
        assert not any(map(STEERING.search, row.values()))
        assert not any(value.startswith(("=", "+", "-", "@", "\t")) for value in row.values())


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


@pytest.mark.slow
def test_the_report_runs_nothing_that_a_tag_says(run: Path) -> None:
    page = (run / "report" / "index.html").read_text()
    parser = _Tags()
    parser.feed(page)
    assert "alert(1)" not in page.replace("&lt;script&gt;alert(1)", "")
    scripts = [dict(given)["src"] for tag, given in parser.found if tag == "script"]
    own = ("store", "elements", "gallery", "panel", "map", "main")
    assert scripts == [f"explorer/{name}.js" for name in own]
    for data in (run / "report" / "data").glob("*.js"):  # its only statement hands over a value
        assert re.fullmatch(rb'explorer\.put\("[a-z-]+[0-9]*", [ -~]*\);\n', data.read_bytes())
    assert not any(name.startswith("on") for _, given in parser.found for name, _ in given)


@pytest.mark.slow
def test_what_a_run_prints_of_hostile_tags_cannot_steer_a_terminal(run: Path) -> None:
    for number in range(1, len(HOSTILE) + 1):
        done = answered("look", run, f"a{number}")
        assert done.returncode == 0, done.stderr
        assert all(line.isprintable() for line in done.stdout.replace("\t", " ").splitlines())
    assert "\x1b" not in answered("status", run).stdout
