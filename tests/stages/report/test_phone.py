"""The explorer on a phone."""

from pathlib import Path

import pytest

from tests.stages.report.browser import BROWSER, opened

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed"),
]


def test_a_phone_needs_no_scrolling_to_the_side(town: Path) -> None:
    with opened(town, viewport={"width": 390, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.click(".card >> nth=0")
        page.wait_for_selector("dialog[open]")
        assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 390


def test_on_a_phone_the_drawing_stays_in_view_while_one_reads(town: Path) -> None:
    with opened(town, viewport={"width": 390, "height": 600}) as page:
        page.click(".card >> nth=0")
        page.wait_for_selector("dialog[open] .leaflet-container")
        page.evaluate("document.querySelector('dialog').scrollTop = 500")
        assert page.evaluate("document.querySelector('dialog').scrollTop") == 500
        drawing = page.locator("dialog figure svg").bounding_box()
        assert drawing["y"] >= page.locator("dialog header").bounding_box()["height"]
        assert drawing["y"] + drawing["height"] < 400
