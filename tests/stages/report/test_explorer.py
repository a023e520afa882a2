"""A browser opens the report from disk: search, filters, keys, panel, and no network request."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from PIL import Image

from stages.report.rows import Gallery, fill
from tests.stages.report.browser import BROWSER, HOSTILE, opened
from tests.stages.report.made_run import TILE_COLOUR, Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed"),
]
MANY = 100_000


@pytest.fixture(scope="module")
def many(town: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the town with its pairs repeated to 100,000; the other files are the same."""
    root = tmp_path_factory.mktemp("many")
    shutil.copytree(town / "report", root / "report")
    pairs = ds.dataset(town / "tables/pairs").to_table()
    objects = ds.dataset(town / "tables/objects")
    images = root / "images2"
    images.mkdir()
    gallery = Gallery(has_filter=False, in_tars=False)
    rows = pairs.to_pylist()
    details = dict(
        fill(Gallery(has_filter=False, in_tars=False), ds.dataset(pairs), objects, 10**6, 0)
    )
    for number in range(MANY):
        row = rows[number % len(rows)]
        name = f"{row['object_id']}{number}_SIM_24"
        if number < 500:
            shutil.copyfile(town / row["filepath"], images / f"{name}.jpg")
        gallery.add(row | {"image_name": name, "filepath": f"images2/{name}.jpg"})
    for name, content in (details | dict(gallery.scripts(0))).items():
        (root / "report/data" / f"{name}.js").write_bytes(content)
    return root


def answer(page: Any) -> int:
    """Give the number of pairs of the answer."""
    return int(page.inner_text("#answer").replace(",", "").split()[0])


def test_search_finds_words_tags_and_objects(town: Path) -> None:
    pairs = ds.dataset(town / "tables/pairs").to_table().to_pylist()
    with opened(town) as page:
        assert answer(page) == len(pairs)
        page.fill("#search", "building")
        texts = [f"{row['title']} {row['title_multi_objects']}" for row in pairs]
        said = [
            text + " ".join(one["text"] for one in row["statements"])
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
    pair = next(row for row in pairs if row["statements"] and row["left_out"])
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
        page.hover(".statements li >> nth=0")
        on = page.evaluate("[...document.querySelectorAll('path.on')].map((p) => p.dataset.object)")
        assert set(on) <= set(pair["statements"][0]["rests_on"])
        assert on
        assert page.get_attribute(".highlight", "visibility") == "visible"


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


def test_a_phone_needs_no_scrolling_to_the_side(town: Path) -> None:
    with opened(town, viewport={"width": 390, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.click(".card >> nth=0")
        page.wait_for_selector("dialog[open]")
        assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 390


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
        page.fill("#match-low", "0.2")
        page.select_option("#order", "match down")
        assert 0 < answer(page) < some
        page.wait_for_selector(".card")
        values = page.evaluate(
            "[...explorer.gallery.found].map((row) => explorer.gallery.store.numbers.match[row])"
        )
        assert values == sorted(values, reverse=True)
        assert values[-1] >= 0.2
