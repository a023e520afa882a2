"""`skyscript sources`: what there is, whether it answers, what the live service tells."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from shapely.geometry import box, mapping

from image_sources import SOURCES
from stages.imagery import standing
from stages.imagery.standing import PLACES, archives_answer, listing
from tests.conftest import skyscript
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine
from tests.emulators.stac import StacArchive, item
from tests.emulators.world import mercator_image, naip, noise


def test_every_source_is_listed_and_has_a_place_where_it_can_be_tried() -> None:
    lines = {line.split()[0]: line for line in listing({"US": "answers"})}
    assert set(lines) - {"alias", "Earth"} == set(SOURCES) - {"SIM"} == set(PLACES)
    assert "-124.84 24.42 -64.82 49.72" in lines["US"]
    assert lines["Earth"].strip() == "Earth Engine: answers"
    for alias, (lon, lat) in PLACES.items():
        west, south, east, north = SOURCES[alias].coverage
        assert west < lon < east and south < lat < north, alias


def test_archives_say_whether_they_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    route, coverage = SOURCES["US"].stac, mapping(box(*SOURCES["US"].coverage))
    assert route is not None
    with StacArchive({"naip": [item("a", "https://example.org/a.tif", coverage)]}) as archive:
        here = replace(SOURCES["US"], stac=replace(route, api=archive.url))
        none = replace(SOURCES["CH"], stac=replace(route, api="http://127.0.0.1:9"))
        monkeypatch.setattr(standing, "SOURCES", {"US": here, "CH": none})
        said = dict(archives_answer())
    assert said["US"] == "answers"
    assert said["CH"].startswith("does not answer (")
    assert any("STAC: answers" in line for line in listing({}, said))


def test_the_command_lists_them_without_an_account() -> None:
    done = skyscript("sources")
    assert done.returncode == 0, done.stderr
    assert "SWISSIMAGE" in done.stdout


def test_a_probe_writes_down_what_the_service_said(tmp_path: Path) -> None:
    one = mercator_image(
        "Germany/Brandenburg/orthos/20cm", PLACES["DE"], noise(0, 800, 800), 0.2, year=2021
    )
    with EarthEngine(naip(PLACES["US"], 2), single=[one]) as earth:
        account = [
            *("--project", PROJECT, "--endpoint", earth.url),
            *("--service-account", key_file(tmp_path / "key.json", earth.url)),
        ]
        listed = skyscript("sources", *account)
        assert listed.returncode == 0, listed.stderr
        assert "Earth Engine: answers (image collection)" in listed.stdout
        done = skyscript("sources", "probe", *account, "--out", tmp_path / "found.json")
        assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())["sources"]
    assert found["DE"]["type"] == "IMAGE"
    assert found["US"]["images"]["in the first page"] == 2
    assert found["US"]["tile"]["format"] == "JPEG"
    edge = found["US"]["tile at the edge"]
    assert edge["format"] == "PNG"
    assert 0 < edge["valid share"] < 1
    assert "not found" in found["CH"]["error"]
