"""The report: what the page says of a run, on small tables made by hand."""

import re

import pytest
from PIL import Image

from stages.report.contact_sheet import SIDE
from stages.report.page import NOT_A_PHOTOGRAPH
from stages.report.sheet_tiles import choose_objects
from tests.stages.report.made_run import TILE_COLOUR, Run, value_of

pytestmark = pytest.mark.slow


HOSTILE = '<script>alert("Fish & Chips")</script>'


@pytest.fixture
def run():
    return (
        Run("US")
        .add("w1", {"highway": "residential"})
        .add("a2", {"building": "yes", "roof:shape": "flat"})
        .add("n3", {"natural": "tree"}, lost_at="tiles", reason="no source is sharp enough")
        .add("n4", {"natural": "tree"}, lost_at="images", status="failed", reason="read error")
        .add("a5", {"building": "yes"}, lost_at="meta", reason="no tag that can be seen")
    )


def test_the_page_asks_nothing_of_the_net_and_runs_only_files_beside_it(run, tmp_path):
    page = run.page(tmp_path, title="Banepa")
    assert page.source.startswith("<!doctype html>")
    assert page.texts[0] == "Banepa"
    folder = tmp_path / "report"
    needed = [script["src"] for script in page.all("script")]
    needed += [link["href"] for link in page.all("link") if link["href"] != "data:,"]
    assert len(needed) == 8
    assert all((folder / name).is_file() for name in needed)
    own = [path.read_text() for path in (folder / "explorer").iterdir()]
    for word in ("fetch(", "XMLHttpRequest", "innerHTML", "insertAdjacent", "eval(", "import("):
        assert not any(word in text for text in own), word
    assert "url(" not in (folder / "explorer/style.css").read_text()


def test_the_contact_sheet_shows_each_tile_above_its_caption(run, tmp_path):
    run.page(tmp_path)
    with Image.open(tmp_path / "report/gallery.jpg") as sheet:
        assert sheet.size == (2 * (SIDE + 8) + 8, SIDE + 61)
        tile, caption = (
            sheet.getpixel((8 + SIDE // 2, SIDE // 2)),
            sheet.crop((8, SIDE + 8, 256, SIDE + 61)),
        )
    assert all(abs(a - b) < 8 for a, b in zip(tile, TILE_COLOUR, strict=True))
    assert caption.convert("L").getextrema()[0] < 80


def test_each_stage_counts_only_what_ended_there(run, tmp_path):
    page = run.page(tmp_path)
    rows = page.source.split("<tbody>")[1].split("</tbody>")[0].split("</tr>")
    cells = [
        [cell.split("</td>")[0].split(">")[-1] for cell in row.split("<td")[1:5]]
        for row in rows[:6]
    ]
    assert cells == [
        ["5", "5", "0", "0"],  # boxes
        ["5", "5", "0", "0"],  # eligible
        ["5", "4", "1", "0"],  # plan
        ["4", "3", "0", "1"],  # fetch
        ["3", "2", "1", "0"],  # overlay
        ["2", "2", "0", "0"],  # caption
    ]
    for reason in ("no source is sharp enough", "read error", "no tag that can be seen"):
        assert page.texts.count(reason) == 1


def test_the_numbers_on_top(run, tmp_path):
    page = run.page(tmp_path)
    numbers = dict(zip(page.texts[4:14:2], page.texts[3:13:2], strict=True))
    assert numbers == {
        "objects on the map": "5",
        "chosen for a tile": "5",
        "images with captions": "2",
        "different tags in sight": "3",
        "different captions": "1",
    }


def test_a_hostile_tag_is_data_never_markup(tmp_path):
    page = Run("US").add("w1", {"building": HOSTILE}).page(tmp_path, title=HOSTILE)
    assert HOSTILE not in page.source
    assert f"building={HOSTILE}" in page.texts
    for path in (tmp_path / "report/data").iterdir():
        assert path.read_bytes().isascii()
    detail = value_of(tmp_path / "report/data/details-00000.js")[0]
    assert detail["tags"] == [["building", HOSTILE]]
    assert detail["title"] == f"a satellite image of building {HOSTILE}"


def test_simulated_tiles_say_so_on_top(tmp_path):
    run = Run("SIM", "US").add("w1", {"highway": "path"}, source="SIM")
    page = run.add("w2", {"highway": "track"}).page(tmp_path)
    assert f"{NOT_A_PHOTOGRAPH.capitalize()}. The images of the source SIM are" in page.text
    assert f"{NOT_A_PHOTOGRAPH.capitalize()}. All images are" in (
        Run("SIM").add("w1", {"highway": "path"}, source="SIM").page(tmp_path).text
    )


def test_photographs_get_no_such_mark(run, tmp_path):
    assert NOT_A_PHOTOGRAPH not in run.page(tmp_path).text.lower()


def test_a_detail_leads_to_the_object_its_image_and_the_reasons(run, tmp_path):
    run.matched("w1", match=0.5, dx_m=3.0, dy_m=-4.0, match_confidence=0.9)
    run.page(tmp_path)
    first, second, *_ = value_of(tmp_path / "report/data/details-00000.js")
    assert [first["osm"], second["osm"]] == ["way/1", "way/2"]
    assert first["file"] == "images3/w1_US_24.jpg"
    assert first["leftOut"] == [["name=Main Street", "a name cannot be seen"]]
    assert first["match"]["dy_m"] == -4.0
    assert second["match"] == {"no_match": "not compared"}
    assert first["provenance"]["scene_id"] == "US/one"
    assert first["provenance"]["crs"] == "EPSG:3857"
    assert first["time"] == "2024-07-15"


def test_sources_are_named_with_their_owners(tmp_path):
    page = Run("US", "XY", "FI").add("w1", {"highway": "path"}).page(tmp_path)
    assert "NAIP imagery: USDA" in page.text
    assert "© National Land Survey of Finland" in page.text
    assert "Imagery of your own" in page.text
    assert "© OpenStreetMap contributors" in page.text


def test_the_same_tables_give_the_same_bytes_and_a_second_run_too(run, tmp_path):
    assert run.page(tmp_path).source == run.page(tmp_path).source


def test_the_contact_sheet_goes_round_the_keys(tmp_path):
    run = Run("US")
    for number in range(40):
        run.add(f"a{number}", {"building": f"kind{number % 20}"})
    run.add("w90", {"highway": "path"}).add("n91", {"natural": "tree"})
    meta = run.datasets(tmp_path)["meta"]
    chosen = choose_objects(meta, seed=0, count=6)
    assert {"w90", "n91"} < set(chosen)
    kinds = [int(name[1:]) % 20 for name in chosen if name[0] == "a"]
    assert len(set(kinds)) == 4  # no kind twice while others wait
    assert choose_objects(meta, seed=0, count=6) == chosen
    assert choose_objects(meta, seed=1, count=6) != chosen
    assert len(choose_objects(meta, seed=0, count=100)) == 42


def test_the_gallery_can_be_left_out_or_be_a_sample(run, tmp_path):
    whole, none, one = (tmp_path / name for name in ("whole", "none", "one"))
    assert 'id="cards"' in run.page(whole).source
    assert 'id="cards"' not in run.page(none, gallery=0).source
    assert not list((none / "report/data").glob("details-*"))
    assert "1 of 2 pairs, drawn at random" in run.page(one, gallery=1).text
    pair, lost = value_of(one / "report/data/details-00000.js")
    assert pair["osm"] in {"way/1", "way/2"}
    assert lost["lost"]["step"] in {"no tile", "fetch failed", "no visible tag"}
    assert "1 of 3, with the reason" in run.page(one, gallery=1).text


def test_objects_without_a_pair_follow_the_pairs_with_step_and_reason(run, tmp_path):
    run.page(tmp_path)
    _, _, *lost = value_of(tmp_path / "report/data/details-00000.js")
    assert [(one["object"], *one["lost"].values()) for one in lost] == [
        ("n3", "no tile", "no source is sharp enough", []),
        ("n4", "fetch failed", "read error", []),
        ("a5", "no visible tag", "no tag that can be seen", []),
    ]
    assert [one["file"] for one in lost] == [None, None, "images3/a5_US_24.jpg"]
    assert lost[0]["tags"] == [["natural", "tree"]]
    columns = value_of(tmp_path / "report/data/columns.js")
    assert (columns["rows"], columns["pairs"]) == (5, 2)
    assert columns["names"].split("\n")[2:] == ["n3", "n4", "a5_US_24"]


def test_what_the_gate_rejects_is_an_unfit_image_whose_kinds_are_told_apart(tmp_path):
    run = Run("US").add("w1", {"highway": "path"})
    for name, reason in (
        ("n2", "0.61 of the tile looks like cloud"),
        ("n3", "0.7 of the tile looks like cloud"),
    ):
        run.add(name, {"natural": "tree"}, lost_at="images", reason=reason)
        run.rows["images"][-1]["error"] = "cloudy"
        box = {"west": 9.0, "south": 47.0, "east": 9.1, "north": 47.1}
        tried = {"scene_id": "US/one", "source": "US", "gsd": 0.6, "width": 9, "height": 9, **box}
        run.rows["tiles"][-1]["candidates"] = [tried]
    run.page(tmp_path)
    _, first, _ = value_of(tmp_path / "report/data/details-00000.js")
    assert first["lost"] == {
        "step": "unfit image",
        "reason": "0.61 of the tile looks like cloud",
        "scenes tried": ["US/one"],
    }
    assert first["box"] == [9.0, 47.0, 9.1, 47.1]
    choices = value_of(tmp_path / "report/data/columns.js")["choices"]
    assert sorted(choices["why"]["names"]) == ["", "… of the tile looks like cloud"]
    assert "unfit image" in choices["fate"]["names"]


def test_a_run_without_a_single_caption_says_so(tmp_path):
    run = Run("US").add("n1", {"natural": "tree"}, lost_at="tiles", reason="not covered")
    page = run.page(tmp_path)
    assert "No tile got a caption" in page.text
    assert "not covered" in page.text
    assert "No tile got a caption" in Run("US").page(tmp_path / "empty").text


def test_a_hostile_alias_stays_text(tmp_path):
    page = Run(HOSTILE).add("w1", {"highway": "path"}, source=HOSTILE).page(tmp_path)
    assert HOSTILE not in page.source
    assert page.texts.count(HOSTILE) == 2  # the tables of sources and of match


def test_charts_carry_their_counts(run, tmp_path):
    run.matched("w1", match=0.5).matched("a2", match=0.1)
    page = run.page(tmp_path)
    charts = value_of(tmp_path / "report/data/overview.js")["charts"]
    assert {div["data-chart"] for div in page.all("div") if "data-chart" in div} == charts.keys()
    values = {name: chart["data"]["values"] for name, chart in charts.items()}
    assert values["tags"] == [
        {"name": "building=yes", "n": 1},
        {"name": "highway=residential", "n": 1},
        {"name": "roof:shape=flat", "n": 1},
    ]
    assert sum(one["pairs"] for one in values["match"]) == 2
    assert values["years"] == [{"series": "US", "name": 2024, "pairs": 2}]
    lost = [one for one in values["stages"] if one["status"] != "ok" and one["rows"]]
    assert [(one["stage"], one["status"]) for one in lost] == [
        ("plan", "filtered"),
        ("fetch", "failed"),
        ("overlay", "filtered"),
    ]
    assert {"similarity", "similarity-cuts", "match-cuts"}.isdisjoint(charts)


def test_the_match_of_map_and_images_is_told_by_source_and_by_scene(run, tmp_path):
    run.matched("w1", match=0.5, dx_m=3.0, dy_m=-4.0, match_confidence=0.9, date_gap_days=10)
    run.matched("a2", no_match="no object with a visible edge is in the image")
    run.matched("a5", match=0.1, dx_m=9.0, dy_m=9.0, match_confidence=0.1, date_gap_days=-4)
    run.shifted("US/one", match=0.3, spread_m=0.4, dx_m=3.0, dy_m=-4.0, corrected=True)
    section = run.page(tmp_path).source.split('id="match"')[1].split("</section>")[0]
    source, scene = (body.split("</tbody>")[0] for body in section.split("<tbody>")[1:])
    cells = [cell.split("</t")[0] for cell in re.split(r"<t[hd][^>]*>", source)[1:]]
    assert cells == ["US", "3", "2", "0.30", "1", "5.0 m", "1", "0"]
    assert "<li><b>1</b> no object with a visible edge is in the image</li>" in section
    for told in ("US/one", "3.00 m", "-4.00 m", "0.40 m", "corrected"):
        assert told in scene


def test_sure_shifts_go_to_the_map(run, tmp_path):
    run.matched("w1", match=0.5, dx_m=3.0, dy_m=4.0, match_confidence=0.9)
    run.matched("a2", match=0.1, dx_m=9.0, dy_m=9.0, match_confidence=0.2)
    page = run.page(tmp_path)
    ((lon, lat, *shift),) = value_of(tmp_path / "report/data/overview.js")["arrows"]
    assert (lon, lat, shift) == (pytest.approx(9.1005), pytest.approx(47.1005), [3.0, 4.0, 0.9])
    assert "the longest is 5.0 m" in page.text


def test_a_run_without_sure_shifts_has_none_on_the_map(run, tmp_path):
    run.matched("w1", match=0.1, dx_m=3.0, dy_m=4.0, match_confidence=0.2)
    assert "sure shifts, enlarged" not in run.page(tmp_path).text
    assert value_of(tmp_path / "report/data/overview.js")["arrows"] == []
