"""A browser opens the report from disk: search, filters, keys, panel, and no network request."""

import shutil
import statistics
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from PIL import Image

from skyscript.geo.tile import Box
from stages.report import ReportConfig
from stages.report.rows import Gallery, fill
from tests.stages.report.browser import BROWSER, HOSTILE, answer, opened
from tests.stages.report.made_run import TILE_COLOUR, Run, lost

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed"),
]
MANY, LOST = 100_000, 20_000


@pytest.fixture(scope="module")
def many(town: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the town with its pairs repeated to 100,000; the other files are the same."""
    root = tmp_path_factory.mktemp("many")
    shutil.copytree(town / "report", root / "report")
    pairs = ds.dataset(town / "tables/pairs").to_table()
    images = root / "images2"
    images.mkdir()
    gallery = Gallery(has_filter=False, in_tars=False)
    rows = pairs.to_pylist()
    given = {"pairs": ds.dataset(pairs), "objects": ds.dataset(town / "tables/objects")}
    given |= {
        name: ds.dataset(town / "tables" / name)
        for name in ("focus", "tiles", "images", "meta", "captions")
    }
    details = dict(fill(Gallery(has_filter=False, in_tars=False), given, ReportConfig()))
    for number in range(MANY):
        row = rows[number % len(rows)]
        name = f"{row['object_id']}{number}_SIM_24"
        if number < 500:
            shutil.copyfile(town / row["filepath"], images / f"{name}.jpg")
        gallery.add(row | {"image_name": name, "filepath": f"images2/{name}.jpg"})
    for number in range(LOST):
        row = rows[number % len(rows)]
        gallery.add_lost(lost(f"n{number}", row["center_tags"], Box.of(row)))
    for name, content in (details | dict(gallery.scripts(0))).items():
        (root / "report/data" / f"{name}.js").write_bytes(content)
    return root


def test_search_finds_words_tags_and_objects(town: Path) -> None:
    pairs = ds.dataset(town / "tables/pairs").to_table().to_pylist()
    with opened(town) as page:
        assert answer(page) == len(pairs)
        page.fill("#search", "building")
        texts = [f"{row['title']} {row['title_multi_objects']}" for row in pairs]
        said = [
            text + " ".join(one["text"] for one in row["statements"] if one["role"] == "statement")
            for text, row in zip(texts, pairs, strict=True)
        ]
        assert answer(page) == sum("building" in text.lower() for text in said) > 0
        page.fill("#search", "building=")
        assert answer(page) == sum("building" in dict(row["center_tags"]) for row in pairs)
        page.fill("#search", pairs[3]["object_id"])
        assert page.query_selector(f"a[href='#image={pairs[3]['image_name']}']")


def test_filters_and_order_are_those_of_the_table(town: Path) -> None:
    pairs = ds.dataset(town / "tables/pairs").to_table().to_pylist()
    with opened(town) as page:
        page.select_option("#fate", "not filtered")
        assert answer(page) == len(pairs)
        page.fill("#match-low", "0.4")
        assert answer(page) == sum((row["match"] or 0) >= 0.4 for row in pairs) > 0
        page.select_option("#order", "match down")
        best = max(pairs, key=lambda row: row["match"] or 0)
        assert page.get_attribute(".card", "href") == f"#image={best['image_name']}"
        page.click("button[type=reset]")
        page.wait_for_timeout(100)
        assert answer(page) == len(pairs)
        concept = page.evaluate("document.getElementById('concept').options[1].value")
        page.select_option("#concept", concept)
        count = page.evaluate("explorer.gallery.store.facets.starting('concept:')[0][1]")
        assert answer(page) == count > 0


def test_text_in_place_of_a_number_is_marked_and_a_comma_is_a_point(town: Path) -> None:
    pairs = ds.dataset(town / "tables/pairs").to_table().to_pylist()
    with opened(town) as page:
        page.fill("#match-low", "a lot")
        assert answer(page) == len(pairs)
        assert page.get_attribute("#match-low", "aria-invalid") == "true"
        page.fill("#match-low", "0,4")
        assert answer(page) == sum((row["match"] or 0) >= 0.4 for row in pairs) > 0
        assert page.get_attribute("#match-low", "aria-invalid") == "false"


@pytest.mark.parametrize("name", ["a1_US_24", "%"])
def test_an_address_of_no_image_of_the_gallery_says_so(town: Path, name: str) -> None:
    with opened(town) as page:
        page.evaluate(f"location.hash = 'image={name}'")
        page.wait_for_function(f"answer.textContent === 'The gallery holds no image {name}.'")
        assert page.query_selector(".card")


def test_dropped_objects_are_shown_with_their_reasons_if_asked_for(tmp_path: Path) -> None:
    made = Run("US").add("w1", {"building": "yes"}).add("w2", {"building": "church"})
    made.add("n3", {"natural": "tree"}, lost_at="tiles", reason="no source is sharp enough")
    made.add("n4", {"natural": "tree"}, lost_at="images", reason="0.6 of it looks like cloud")
    made.rows["images"][-1]["error"] = "cloudy"
    made.add("a5", {"name": HOSTILE}, lost_at="meta", reason=HOSTILE)
    made.page(tmp_path)
    with opened(tmp_path) as page:
        assert answer(page) == 2
        assert "3 more were dropped" in page.inner_text("#answer")
        page.fill("#search", "tree")
        assert answer(page) == 0
        assert "2 more were dropped" in page.inner_text("#answer")
        page.select_option("#fate", "dropped")
        assert answer(page) == 2
        assert page.inner_text("#answer").count("more were dropped") == 0
        page.select_option("#why", "… of it looks like cloud")
        assert answer(page) == 1
        assert "unfit image" in page.inner_text(".card .facts")
        assert page.inner_text(".card .missing") == "… of it looks like cloud"
        page.click(".card")
        page.wait_for_selector("dialog[open] .leaflet-container")
        assert "0.6 of it looks like cloud" in page.inner_text("dialog")
        assert page.get_attribute("dialog td a", "href") == "https://www.openstreetmap.org/node/4"
        page.keyboard.press("Escape")
        page.evaluate("location.hash = 'image=a5_US_24'")
        page.wait_for_selector("dialog[open] img")
        assert HOSTILE in page.inner_text("dialog td >> nth=1")
        assert page.title() != "caught"


def test_pairs_that_the_filter_dropped_say_why(tmp_path: Path) -> None:
    made = Run("US").add("w1", {"building": "yes"}).add("w2", {"building": "church"})
    pairs = made.datasets(tmp_path)["pairs"].to_table().to_pylist()
    gallery = Gallery(has_filter=True, in_tars=False)
    made.page(tmp_path)
    gallery.add(pairs[0] | {"split": "train"})
    gallery.add(pairs[1] | {"not_kept": "it ranks below the best 50 %"})
    for name, content in gallery.scripts(0):
        (tmp_path / "report/data" / f"{name}.js").write_bytes(content)
    with opened(tmp_path) as page:
        assert answer(page) == 2
        for fate, name in (("kept", "w1_US_24"), ("dropped", "w2_US_24"), ("train", "w1_US_24")):
            page.select_option("#fate", fate)
            assert answer(page) == 1
            assert page.get_attribute(".card", "href") == f"#image={name}"
        page.select_option("#fate", "dropped by the filter")
        assert "it ranks below the best … %" in page.inner_text(".card .facts")


def test_keys_lead_from_the_search_to_a_pair_and_back(town: Path) -> None:
    with opened(town, viewport={"width": 1280, "height": 900}) as page:
        page.keyboard.press("/")
        page.keyboard.type("building")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog[open] .leaflet-container")
        first = page.evaluate("location.hash")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"location.hash !== '{first}'")
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(f"location.hash === '{first}'")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog[open]", state="detached")
        assert page.evaluate("location.hash") == ""
        assert page.evaluate("document.activeElement.className") == "card"


def test_a_pair_shows_its_objects_reasons_and_provenance(town: Path) -> None:
    pairs = ds.dataset(town / "tables/pairs").to_table().to_pylist()
    roles = {"statement", "question", "negative"}
    pair = next(
        row
        for row in pairs
        if row["left_out"] and {one["role"] for one in row["statements"]} == roles
    )
    with opened(town) as page:
        page.evaluate(f"location.hash = 'image={pair['image_name']}'")
        page.wait_for_selector("dialog[open]")
        text = page.inner_text("dialog")
        for wanted in (
            pair["title"],
            pair["left_out"][0][1],
            pair["fingerprint"],
            pair["scene_id"],
        ):
            assert wanted in text
        assert page.get_attribute("dialog img", "src").endswith(pair["filepath"])
        assert page.query_selector(f"path[data-object='{pair['object_id']}']")
        address = page.get_attribute("dialog td a", "href")
        assert address.endswith(f"/{pair['osm_id']}"), "of a simulated image, too"
        page.hover(".statements li >> nth=0")
        on = page.evaluate("[...document.querySelectorAll('path.on')].map((p) => p.dataset.object)")
        assert set(on) <= set(pair["statements"][0]["rests_on"])
        assert on
        assert page.get_attribute(".highlight", "visibility") == "visible"
        assert len(page.query_selector_all(".captions p")) == 4, "short and long ones, too"
        assert pair["title_long"] in text
        asked = next(one for one in pair["statements"] if one["role"] == "question")
        assert f"{asked['text']} {asked['answer']}" in text
        wrong = next(one for one in pair["statements"] if one["role"] == "negative")
        assert f"false: {wrong['text']}" in text


def test_a_search_does_not_find_what_a_negative_or_a_question_denies(tmp_path: Path) -> None:
    made = Run("US").add("w1", {"building": "yes"}).add("w2", {"building": "yes"})
    pairs = made.datasets(tmp_path)["pairs"].to_table().to_pylist()
    gallery = Gallery(has_filter=False, in_tars=False)
    made.page(tmp_path)
    said = [("not_present", "negative", "The image shows a church."),
            ("ask_absence", "question", "Is there a church in the image?"),
            ("cover", "statement", "A pond covers all.")]  # fmt: skip
    names = ("kind", "role", "text")
    gallery.add(pairs[0] | {"statements": [dict(zip(names, one, strict=True)) for one in said]})
    gallery.add(pairs[1])
    for name, content in gallery.scripts(0):
        (tmp_path / "report/data" / f"{name}.js").write_bytes(content)
    with opened(tmp_path) as page:
        page.fill("#search", "church")
        assert answer(page) == 0
        page.fill("#search", "pond")
        assert answer(page) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_and_map_are_drawn_as_they_come_into_view(town: Path, scheme: str) -> None:
    with opened(town, color_scheme=scheme) as page:
        for place in page.query_selector_all(".chart"):
            place.scroll_into_view_if_needed()
        page.wait_for_function(
            "[...document.querySelectorAll('.chart')].every((one) => one.querySelector('svg'))"
        )
        page.evaluate("document.getElementById('coverage').scrollIntoView()")
        page.wait_for_selector("#coverage canvas")


def test_hostile_tags_and_names_stay_text(tmp_path: Path) -> None:
    made = Run("US").add("w1", {"building": HOSTILE, HOSTILE: "yes"})
    made.rows["captions"][0] |= {"title": HOSTILE, "title_multi_objects": HOSTILE}
    made.rows["meta"][0]["left_out"] = [(HOSTILE, HOSTILE)]
    made.page(tmp_path, title=HOSTILE)
    Image.new("RGB", (400, 300), TILE_COLOUR).save(tmp_path / "images3/w1_US_24.jpg")
    with opened(tmp_path) as page:
        page.evaluate("location.hash = 'image=w1_US_24'")
        page.wait_for_selector("dialog[open]")
        assert page.inner_text("dialog h2") == HOSTILE
        assert page.inner_text(".chips button >> nth=0") == f"building={HOSTILE}"
        for place in page.query_selector_all(".chart"):
            place.evaluate("(one) => one.scrollIntoView()")
        page.wait_for_timeout(1500)
        assert page.title() == HOSTILE
        assert not page.query_selector("img[src=x]")
        assert page.evaluate("document.querySelectorAll('body script').length") == 6


def test_100_000_rows_are_searched_and_filtered(many: Path) -> None:
    with opened(many) as page:
        assert answer(page) == MANY
        page.fill("#search", "building=")
        some = answer(page)
        assert 0 < some < MANY
        matches = (
            "[...explorer.gallery.found].map((row) => explorer.gallery.store.numbers.match[row])"
        )
        middle = round(statistics.median(page.evaluate(matches)), 3)
        page.fill("#match-low", f"{middle}")
        page.select_option("#order", "match down")
        assert 0 < answer(page) < some
        page.wait_for_selector(".card")
        values = page.evaluate(matches)
        assert values == sorted(values, reverse=True)
        assert values[-1] >= middle
        page.click("button[type=reset]")
        page.wait_for_timeout(300)
        assert f"{LOST:,} more were dropped" in page.inner_text("#answer")
        page.select_option("#fate", "unfit image")
        assert answer(page) == LOST
