"""A person judges the sample of `judge` in a browser, and `judge` reads the file that it saves."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import Run as OpenedRun
from stages import tables
from stages.judged import JudgedConfig, judge_by_person, write_sheet
from tests.conftest import answered
from tests.stages.report.browser import BROWSER, HOSTILE, opened
from tests.stages.report.made_run import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed"),
]
CONFIG = JudgedConfig(sample=20)
BOXED = "A box [0, 500, 250, 1000] shows it."
REVIEW: Any = {"name": "review.html", "ready": "#sheet"}
NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('none'); }});"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def saved(page: Any, path: Path) -> Path:
    with page.expect_download() as download:
        page.keyboard.press("s")
    download.value.save_as(path)
    return path


@pytest.fixture
def sheet(town: Path, tmp_path: Path) -> Path:
    path = tmp_path / "sheet.csv"
    assert write_sheet(*tables_of(town), path, CONFIG) == CONFIG.sample
    return path


def tables_of(root: Path) -> Any:
    return tuple(OpenedRun(root).table(table.name) for table in (tables.META, tables.CAPTIONS))


def test_verdicts_by_key_button_and_note_reach_the_figures(
    town: Path, sheet: Path, tmp_path: Path
) -> None:
    rows = read(sheet)
    with opened(town, **REVIEW) as page:
        page.set_input_files("#sheet", sheet)
        page.wait_for_selector("#review:not([hidden])")
        for number, row in enumerate(rows):
            assert page.inner_text("#statement") == row["statement"]
            assert page.get_attribute("#picture", "src") == f"../{row['filepath']}"
            page.wait_for_function("document.getElementById('picture').naturalWidth > 0")
            if number == 0:
                page.keyboard.press("n")
                page.keyboard.type('no "roof", surely')
                page.keyboard.press("Enter")
                page.click("[data-do=wrong]")
            else:
                page.keyboard.press("u" if number == 1 else "r")
        assert "20 of 20 judged: 18 right, 1 wrong, 1 unsure" in page.inner_text("#progress")
        assert page.is_visible("#finished")
        filled = saved(page, tmp_path / "filled.csv")
    done = judge_by_person(*tables_of(town), filled, tmp_path / "judged", CONFIG)
    found = [done.figures[name] for name in ("right", "wrong", "unsure", "none")]
    assert found == [18, 1, 1, 0]
    assert 0 < done.figures["overall"]["low"] < done.figures["overall"]["high"] <= 1
    (wrong,) = read(tmp_path / "judged/wrong.csv")
    assert (wrong["filepath"], wrong["why"]) == (rows[0]["filepath"], 'no "roof", surely')


def test_undo_and_the_way_back(town: Path, sheet: Path, tmp_path: Path) -> None:
    rows = read(sheet)
    with opened(town, **REVIEW) as page:
        page.set_input_files("#sheet", sheet)
        page.wait_for_selector("#review:not([hidden])")
        assert page.is_disabled("[data-do=undo]")
        page.keyboard.type("rw")
        page.keyboard.press("z")
        assert page.inner_text("#statement") == rows[1]["statement"]
        assert "1 of 20 judged: 1 right, 0 wrong" in page.inner_text("#progress")
        page.keyboard.press("ArrowLeft")
        assert page.get_attribute("[data-do=right]", "aria-pressed") == "true"
        page.keyboard.press("w")  # another verdict, then on to the first image without one
        assert page.inner_text("#statement") == rows[1]["statement"]
        page.keyboard.press("ArrowRight")
        page.keyboard.press("u")
        words = [row["verdict"] for row in read(saved(page, tmp_path / "some.csv"))]
    assert words == ["wrong", "", "unsure", *[""] * 17]


def test_a_review_goes_on_where_it_was_left(town: Path, sheet: Path, tmp_path: Path) -> None:
    rows = read(sheet)
    with opened(town, **REVIEW) as page:
        page.set_input_files("#sheet", sheet)
        page.wait_for_selector("#review:not([hidden])")
        page.keyboard.type("rwu")
        page.reload()
        assert page.inner_text("#statement") == rows[3]["statement"]
        assert "3 of 20 judged" in page.inner_text("#progress")
        page.keyboard.press("z")
        assert page.inner_text("#statement") == rows[2]["statement"]
        page.set_input_files("#sheet", sheet)  # the empty sheet loses no verdict
        page.wait_for_function("document.getElementById('progress').textContent.includes('2 of')")
        partly = saved(page, tmp_path / "partly.csv")
    with opened(town, **REVIEW, script=NO_STORAGE) as page:  # by the file where nothing is kept
        page.set_input_files("#sheet", partly)
        page.wait_for_selector("#review:not([hidden])")
        assert "keeps nothing" in page.inner_text("#message")
        assert page.inner_text("#statement") == rows[2]["statement"]
        page.keyboard.press("r")
        words = [row["verdict"] for row in read(saved(page, tmp_path / "more.csv"))]
    assert words == ["right", "wrong", "right", *[""] * 17]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("filepath,title\nimages2/a.jpg,a\n", "has no column statement"),
        ("filepath,statement,verdict,why\n", "has no rows"),
        ("filepath,statement,verdict\nimages2/a.jpg,a,maybe\n", "row 1 has the verdict maybe"),
        ('filepath,statement,verdict\nimages2/a.jpg,"a,\n', "row 1 has a quote that does not end"),
        ("filepath,statement,verdict\n../a.jpg,a,\n", "row 1 names no file of the run"),
        ("filepath,statement,verdict\n//host/a.jpg,a,\n", "row 1 names no file of the run"),
    ],
)
def test_a_wrong_sheet_is_one_sentence(
    town: Path, tmp_path: Path, content: str, problem: str
) -> None:
    (tmp_path / "bad.csv").write_text(content)
    with opened(town, **REVIEW) as page:
        page.set_input_files("#sheet", tmp_path / "bad.csv")
        page.wait_for_function("document.getElementById('message').textContent")
        assert problem in page.inner_text("#message")
        assert page.is_hidden("#review")


def test_hostile_statements_stay_text_and_come_back_unchanged(tmp_path: Path) -> None:
    made = Run("US").add("w1", {"building": "yes"})
    made.page(tmp_path, title=HOSTILE)
    texts = [HOSTILE, '=cmd|"x"!A1, two\nlines', "é, 漢字 \U0001f6f0"]
    bad = tmp_path / "bad.csv"
    with bad.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["filepath", "statement", "verdict", "why"])
        writer.writerows([f"images3/{n}?#%.jpg", text, "", HOSTILE] for n, text in enumerate(texts))
    with opened(tmp_path, **REVIEW) as page:
        page.set_input_files("#sheet", bad)
        page.wait_for_selector("#review:not([hidden])")
        assert page.inner_text("#statement") == HOSTILE
        page.keyboard.type("rwu")
        page.wait_for_timeout(200)
        assert page.title() == f"Review: {HOSTILE}"
        assert not page.query_selector("img[src=x]")
        assert "cannot be read" in page.inner_text("#message")
        rows = read(saved(page, tmp_path / "out.csv"))
    assert [row["statement"] for row in rows] == texts
    assert [row["why"] for row in rows] == [HOSTILE] * 3


def test_statements_come_back_with_their_kinds_and_boxes_are_drawn(
    town: Path, tmp_path: Path
) -> None:
    config, drawn = JudgedConfig(what="statements", sample=20), tmp_path / "drawn.csv"
    said = answered("judge", town, "--what", "statements", "--sample", "20", "--sheet", drawn)
    assert said.returncode == 0, said.stderr
    rows = read(drawn)
    assert {row["kind"] for row in rows} == {"count", "cover", "ask_count", "not_count"}
    boxed = tmp_path / "boxed.csv"
    with boxed.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([rows[0], {**rows[1], "statement": BOXED}, *rows[2:]])
    with opened(town, **REVIEW) as page:
        page.set_input_files("#sheet", boxed)
        page.wait_for_selector("#review:not([hidden])")
        page.wait_for_function("document.getElementById('picture').naturalWidth > 0")
        assert not page.query_selector("#box rect")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#box rect")
        assert page.inner_text("#statement") == BOXED
        assert "count" not in page.inner_text("body")
        box, picture = (page.locator(of).bounding_box() for of in ("#box rect", "#picture"))
        assert box["x"] == pytest.approx(picture["x"], abs=2)
        assert box["y"] == pytest.approx(picture["y"] + picture["height"] / 2, abs=2)
        assert box["width"] == pytest.approx(picture["width"] / 4, abs=3)
        page.set_input_files("#sheet", drawn)
        page.wait_for_function("document.getElementById('progress').textContent.includes('drawn')")
        page.keyboard.type("r" * 20)
        filled = saved(page, tmp_path / "filled.csv")
    opened_run = OpenedRun(town)
    meta, statements = (opened_run.table(name) for name in ("meta", "statements"))
    done = judge_by_person(meta, statements, filled, tmp_path / "judged", config)
    assert {one["kind"]: one["precision"] for one in done.figures["by_kind"]} == {
        "count": 1.0,
        "cover": 1.0,
        "ask_count": 1.0,
        "not_count": 0.0,
    }


def test_a_phone_needs_no_scrolling_to_the_side(town: Path, sheet: Path) -> None:
    with opened(town, **REVIEW, viewport={"width": 390, "height": 800}) as page:
        page.set_input_files("#sheet", sheet)
        page.wait_for_selector("#review:not([hidden])")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_command_line_leads_to_the_page_and_reads_its_file(
    town: Path, sheet: Path, tmp_path: Path
) -> None:
    drawn = tmp_path / "drawn.csv"
    said = answered("judge", town, "--sheet", drawn, "--sample", "20")
    assert f"{town}/report/review.html" in said.stderr.replace("\n", "")
    assert read(drawn) == read(sheet)
    with opened(town, **REVIEW) as page:
        page.set_input_files("#sheet", drawn)
        page.wait_for_selector("#review:not([hidden])")
        page.keyboard.type("r" * 20)
        filled = saved(page, tmp_path / "filled.csv")
    out = tmp_path / "judged"
    said = answered("judge", town, "--verdicts", filled, "--sample", "20", "--out", out)
    assert said.returncode == 0, said.stderr
    assert json.loads((out / "judged.json").read_text())["overall"]["precision"] == 1.0
