"""Vega's script is bundled once for all runs of a user."""

from pathlib import Path

import pytest

from stages.report import vendor


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Give what was bundled, as it happens; the user's cache folder is empty."""
    vl_convert = pytest.importorskip("vl_convert")
    calls: list[str] = []

    def bundle(snippet: str) -> str:
        calls.append(snippet)
        return f"const name = 'é';{snippet}"

    monkeypatch.setattr(vl_convert, "javascript_bundle", bundle)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return calls


def vega() -> bytes:
    vendor.library_files.cache_clear()  # as in another process
    try:
        return vendor.library_files()["vendor/vega.js"]
    finally:
        vendor.library_files.cache_clear()


def test_it_is_bundled_once_and_the_same_when_read_again(bundled: list[str]) -> None:
    first = vega()
    assert first == "(() => {const name = 'é';window.vegaEmbed = vegaEmbed;})();\n".encode()
    assert vega() == first
    assert len(bundled) == 1


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"{" + data[9:]])
def test_a_damaged_file_of_the_cache_is_made_again(bundled, tmp_path, damage) -> None:
    first = vega()
    [kept] = (tmp_path / "cache").rglob("*.json")
    kept.write_bytes(damage(kept.read_bytes()))
    assert vega() == first
    assert len(bundled) == 2
    assert vega() == first
    assert len(bundled) == 2


def test_a_new_version_of_the_package_is_bundled(bundled, monkeypatch) -> None:
    vega()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99")
    vega()
    assert len(bundled) == 2


def test_without_a_cache_folder_it_is_bundled_each_time(bundled, monkeypatch, tmp_path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(in_the_way))
    assert vega() == vega()
    assert len(bundled) == 2
