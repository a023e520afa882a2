"""The report: what the page says of a run, on small tables made by hand."""

import re

import pytest
from PIL import Image

from stages.report.charts import lay_out_bars
from stages.report.contact_sheet import SIDE
from stages.report.figures import ACROSS, BOXES
from stages.report.gallery import choose_objects
from stages.report.page import NOT_A_PHOTOGRAPH
from tests.stages.report_run import TILE_COLOUR, Run

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


def test_the_page_is_one_file_without_scripts_or_anything_from_the_net(run, tmp_path):
    page = run.page(tmp_path, title="Banepa")
    assert page.source.startswith("<!doctype html>")
    assert page.texts[0] == "Banepa"
    assert not page.all("script") + page.all("link") + page.all("iframe")
    assert "url(" not in page.source
    assert "@import" not in page.source
    assert {image["src"] for image in page.all("img")} == {
        "../images3/w1_US_24.jpg",
        "../images3/a2_US_24.jpg",
    }


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
        ["5", "5", "0", "0"],  # extract
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


def test_a_hostile_tag_stays_text(tmp_path):
    page = Run("US").add("w1", {"building": HOSTILE}).page(tmp_path, title=HOSTILE)
    assert not page.all("script")
    assert f"building={HOSTILE}" in page.texts
    assert page.all("img")[0]["alt"] == f"a satellite image of building {HOSTILE}"


def test_simulated_tiles_say_so_on_top_and_each(tmp_path):
    run = Run("SIM", "US").add("w1", {"highway": "path"}, source="SIM")
    page = run.add("w2", {"highway": "track"}).page(tmp_path)
    assert f"{NOT_A_PHOTOGRAPH.capitalize()}. The images of the source SIM are" in page.text
    assert [attrs for attrs in page.all("em") if attrs.get("class") == "mark"] == [
        {"class": "mark"}
    ]
    assert f"{NOT_A_PHOTOGRAPH.capitalize()}. All images are" in (
        Run("SIM").add("w1", {"highway": "path"}, source="SIM").page(tmp_path).text
    )


def test_photographs_get_no_such_mark(run, tmp_path):
    assert NOT_A_PHOTOGRAPH not in run.page(tmp_path).text.lower()


def test_objects_are_linked_to_openstreetmap_but_for_simulated_tiles(tmp_path):
    places = {
        link["href"]
        for link in Run("US")
        .add("w1", {"highway": "path"})
        .add("a2", {"building": "yes"})
        .add("n3", {"natural": "tree"})
        .add("r4", {"natural": "water"})
        .page(tmp_path)
        .all("a")
        if "openstreetmap.org" in link["href"]
    }
    assert places == {
        f"https://www.openstreetmap.org/{place}"
        for place in ("way/1", "way/2", "node/3", "relation/4")
    }
    simulated = Run("SIM").add("w1", {"highway": "path"}, source="SIM").page(tmp_path)
    assert not [link for link in simulated.all("a") if "openstreetmap.org" in link["href"]]


def test_sources_are_named_with_their_owners(tmp_path):
    page = Run("US", "XY", "FI").add("w1", {"highway": "path"}).page(tmp_path)
    assert "NAIP imagery: USDA" in page.text
    assert "© National Land Survey of Finland" in page.text
    assert "Imagery of your own" in page.text
    assert "© OpenStreetMap contributors" in page.text


def test_the_same_tables_give_the_same_bytes_and_a_second_run_too(run, tmp_path):
    assert run.page(tmp_path).source == run.page(tmp_path).source


def test_the_gallery_goes_round_the_keys(tmp_path):
    run = Run("US")
    for number in range(40):
        run.add(f"a{number}", {"building": f"kind{number % 20}"})
    run.add("w90", {"highway": "path"}).add("n91", {"natural": "tree"})
    meta = run.datasets()["meta"]
    chosen = choose_objects(meta, seed=0, count=6)
    assert {"w90", "n91"} < set(chosen)
    kinds = [int(name[1:]) % 20 for name in chosen if name[0] == "a"]
    assert len(set(kinds)) == 4  # no kind twice while others wait
    assert choose_objects(meta, seed=0, count=6) == chosen
    assert choose_objects(meta, seed=1, count=6) != chosen
    assert len(choose_objects(meta, seed=0, count=100)) == 42


def test_the_gallery_can_be_left_out(run, tmp_path):
    assert not run.page(tmp_path, gallery=0).all("img")


def test_the_map_holds_every_tile(run, tmp_path):
    boxes = [a for a in run.page(tmp_path).all("rect") if a.get("class") == "tile s0"]
    assert len(boxes) == 3  # the fetched ones


def test_many_tiles_become_shaded_cells(tmp_path):
    run = Run("US")
    for number in range(BOXES + 1):
        run.add(f"n{number}", {"natural": "tree"})
    page = run.page(tmp_path)
    assert not [a for a in page.all("rect") if a.get("class", "").startswith("tile")]
    shades = [a for a in page.all("path") if a["class"].startswith("tiles ")]
    assert 1 <= len(shades) <= 5
    assert sum(a["d"].count("M") for a in shades) <= 2 * ACROSS
    assert len(page.source) < 300_000


def test_a_run_without_a_single_caption_says_so(tmp_path):
    run = Run("US").add("n1", {"natural": "tree"}, lost_at="tiles", reason="not covered")
    page = run.page(tmp_path)
    assert "No tile got a caption" in page.text
    assert "not covered" in page.text
    assert "No tile got a caption" in Run("US").page(tmp_path).text


def test_bars_are_as_long_as_their_numbers():
    assert [bar.length for bar in lay_out_bars([("a", 10), ("<b>", 5)], "two").bars] == [310, 155]
    assert lay_out_bars([], "none").bars == []


def test_a_hostile_alias_stays_text_and_bars_are_drawn(tmp_path):
    page = Run(HOSTILE).add("w1", {"highway": "path"}, source=HOSTILE).page(tmp_path)
    assert not page.all("script")
    assert page.texts.count(HOSTILE) >= 2  # the legend and the table of sources
    assert "310.0" in [rect.get("width") for rect in page.all("rect")]


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


def test_an_arrow_points_where_the_map_must_move(run, tmp_path):
    run.matched("w1", match=0.5, dx_m=3.0, dy_m=4.0, match_confidence=0.9)
    page = run.page(tmp_path)
    (arrow,) = [path["d"] for path in page.all("path") if path.get("class") == "arrows"]
    start, end = (tuple(map(float, part.split())) for part in arrow[1:].split("M")[0].split("L"))
    assert end[0] - start[0] == pytest.approx(24, abs=0.2)  # east is to the right
    assert end[1] - start[1] == pytest.approx(-32, abs=0.2)  # north is up
    assert "the longest is 5.0 m" in page.source


def test_a_run_without_sure_shifts_has_no_map_of_them(run, tmp_path):
    run.matched("w1", match=0.1, dx_m=3.0, dy_m=4.0, match_confidence=0.2)
    page = run.page(tmp_path)
    assert [path for path in page.all("path") if path.get("class") == "arrows"] == []
