"""A browser that opens a page of a report from disk."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = (
    """<img src=x onerror="document.title='caught'"><script>document.title='caught'</script>'"""
)


@contextmanager
def opened(
    root: Path, *, name: str = "index.html", ready: str = ".card", script: str = "", **context: Any
) -> Iterator[Any]:
    """Open a page of the report of a run; at the end, check that it asked for nothing but files.

    ``script`` runs before those of the page.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    asked: list[str] = []
    problems: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_context(**context).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        if script:
            page.add_init_script(script)
        page.goto(f"file://{root}/report/{name}")
        page.wait_for_selector(ready)
        yield page
        browser.close()
    assert problems == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def answer(page: Any) -> int:
    """Give the number of pairs of the answer."""
    return int(page.inner_text("#answer").replace(",", "").split()[0])
