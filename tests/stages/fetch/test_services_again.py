"""What a second fetch asks a service for again, and what the ledger of the first one saves."""

import json
from pathlib import Path

import numpy as np
import pytest

from skyscript.backends.service import retry as attempts
from skyscript.imagery.fitness import Fitness
from tests.emulators.earth_engine import EarthEngine
from tests.emulators.world import naip
from tests.stages.fetch.conftest import HERE, fetched, images, source, tiles

pytestmark = pytest.mark.slow


def test_only_what_failed_is_asked_for_again(
    earth: EarthEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {"US": source(earth, tmp_path)}
    given = tiles(60, "US/m_0_20140613", "US/m_1_20160613")
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    earth.faults.share, earth.faults.kinds = 0.3, ("503", "cut", "429")
    first = fetched(sources, given, tmp_path / "run")
    failed = [row for row in first if row["status"] == "failed"]
    assert 5 < len(failed) < 40
    assert {row["reason"] for row in failed} == {
        "Earth Engine failed (503), 1 times",
        "Earth Engine is busy (429), 1 times",
        "the connection to Earth Engine broke, 1 times",
    }
    assert {row["scene_id"] for row in first if row["status"] == "ok"} == {"US/m_0_20140613"}

    earth.faults.share = 0
    asked = len(earth.asked)
    second = fetched(sources, given, tmp_path / "run")
    assert {row["status"] for row in second} == {"ok"}
    assert len(earth.asked) - asked == len(failed)
    assert {row["error"] for row in failed} == {"down", "busy", "connection"}
    assert second == fetched(sources, given, tmp_path / "undisturbed")


def test_a_lost_or_changed_image_is_asked_for_again(earth: EarthEngine, tmp_path: Path) -> None:
    given, sources = tiles(6, "US/m_0_20140613"), {"US": source(earth, tmp_path)}
    first = fetched(sources, given, tmp_path)
    whole = images(tmp_path)
    (tmp_path / first[0]["filepath"]).unlink()
    (tmp_path / first[1]["filepath"]).write_bytes(b"other")
    asked = len(earth.asked)
    assert fetched(sources, given, tmp_path) == first
    assert len(earth.asked) - asked == 2
    assert images(tmp_path) == whole


def test_a_ledger_line_that_was_cut_off_is_passed_over(earth: EarthEngine, tmp_path: Path) -> None:
    given, sources = tiles(6, "US/m_0_20140613"), {"US": source(earth, tmp_path)}
    first = fetched(sources, given, tmp_path)
    ledger = tmp_path / "_ledger" / "00003.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-30])
    asked = len(earth.asked)
    for _ in range(2):
        assert fetched(sources, given, tmp_path) == first
    assert len(earth.asked) - asked == 1


def test_other_settings_ask_again(earth: EarthEngine, tmp_path: Path) -> None:
    given, sources = tiles(6, "US/m_0_20140613"), {"US": source(earth, tmp_path)}
    fetched(sources, given, tmp_path)
    fetched(sources, given, tmp_path, max_nodata=0.5)
    assert earth.desk.count("getPixels") == {200: 12}


def test_other_limits_ask_only_for_tiles_whose_images_no_longer_pass(
    earth: EarthEngine, tmp_path: Path
) -> None:
    sources, given = {"US": source(earth, tmp_path)}, tiles(5, "US/m_0_20140613")
    first = fetched(sources, given, tmp_path)
    sharpness = sorted(row["sharpness"] for row in first)
    assert fetched(sources, given, tmp_path, min_sharpness=sharpness[0] / 2) == first
    assert earth.desk.count("getPixels") == {200: 5}
    rows = fetched(sources, given, tmp_path, min_sharpness=sharpness[2])
    assert sum(row["status"] == "ok" for row in rows) == 3
    assert earth.desk.count("getPixels") == {200: 7}
    assert fetched(sources, given, tmp_path, min_sharpness=sharpness[2]) == rows
    assert earth.desk.count("getPixels") == {200: 7}
    assert fetched(sources, given, tmp_path) == first


def test_a_journal_of_before_the_gate_serves_and_gets_its_figures(
    earth: EarthEngine, tmp_path: Path
) -> None:
    sources, given = {"US": source(earth, tmp_path)}, tiles(3, "US/m_0_20140613")
    first = fetched(sources, given, tmp_path)
    ledger = tmp_path / "_ledger" / "00003.jsonl"
    entries = [json.loads(line) for line in ledger.read_text().splitlines() if line]
    for entry in entries:
        del entry["check"]  # lines of that time have none
        for name in Fitness._fields:
            del entry["row"][name]
    ledger.write_text("\n".join(map(json.dumps, entries)))
    assert fetched(sources, given, tmp_path) == first
    assert earth.desk.count("getPixels") == {200: 3}


def test_that_there_is_no_image_is_kept_until_there_is_another_to_try(tmp_path: Path) -> None:
    with EarthEngine(naip(HERE, 2)) as earth:
        earth.collections["USDA/NAIP/DOQQ"][0].valid = np.zeros((1500, 1500), bool)
        earth.collections["USDA/NAIP/DOQQ"][0].__post_init__()
        sources = {"US": source(earth, tmp_path)}
        for _ in range(2):
            rows = fetched(sources, tiles(3, "US/m_0_20140613"), tmp_path)
            assert {(row["status"], row["error"]) for row in rows} == {("filtered", "no_imagery")}
        assert earth.desk.count("getPixels") == {200: 3}
        rows = fetched(sources, tiles(3, "US/m_0_20140613", "US/m_1_20160613"), tmp_path)
        assert {(row["status"], row["error"]) for row in rows} == {("ok", None)}


def test_a_weight_or_a_further_image_asks_for_nothing_again(
    earth: EarthEngine, tmp_path: Path
) -> None:
    first = fetched({"US": source(earth, tmp_path)}, tiles(5, "US/m_0_20140613"), tmp_path)
    asked = len(earth.asked)
    more = tiles(5, "US/m_0_20140613", "US/m_1_20160613")
    other = {"US": source(earth, tmp_path, weight=7, max_cloud=50, per_place=9, at_once=3)}
    assert fetched(other, more, tmp_path) == first
    assert len(earth.asked) == asked


def test_what_became_of_a_tile_stands_in_the_ledger_with_what_it_took(
    earth: EarthEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 3)
    earth.faults.share, earth.faults.kinds = 1.0, ("503",)
    (row,) = fetched({"US": source(earth, tmp_path)}, tiles(1, "US/m_0_20140613"), tmp_path)
    assert (row["status"], row["error"]) == ("failed", "down")
    entry = json.loads((tmp_path / "_ledger" / "00003.jsonl").read_text())
    assert (entry["attempts"], entry["http"]) == (3, 503)
    assert entry["row"]["reason"] == "Earth Engine failed (503), 3 times"
