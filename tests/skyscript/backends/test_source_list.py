"""`skyscript sources`: what there is, whether it answers, what the live service tells."""

from dataclasses import replace

import pytest
from shapely.geometry import box, mapping

from image_sources import SOURCES
from skyscript.backends import source_list as standing
from skyscript.backends.live_probe import PLACES
from skyscript.backends.source_list import archives_answer, listing, open_sources
from skyscript.geo.tile import Box
from tests.conftest import answered
from tests.emulators.stac import StacArchive, item


def test_every_source_is_listed_and_has_a_place_where_it_can_be_tried() -> None:
    lines = {line.split()[0]: line for line in listing({"US": "answers"})}
    assert set(lines) - {"alias", "Earth"} == set(SOURCES) - {"SIM"}
    assert set(PLACES) == {alias for alias, source in SOURCES.items() if source.layout != "none"}
    assert "-124.84 24.42 -64.82 49.72" in lines["US"]
    assert "non_commercial" in lines["MAX"]
    assert " 2017- " in lines["CH"]  # Earth Engine's copy ends in 2021
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


@pytest.mark.slow
def test_the_command_lists_them_without_an_account() -> None:
    done = answered("sources")
    assert done.returncode == 0, done.stderr
    assert "SWISSIMAGE" in done.stdout


@pytest.mark.slow
def test_a_place_names_the_sources_that_cover_it_the_finest_first() -> None:
    lines = [line.split() for line in listing(near=(174.76, -36.85))]
    assert [line[0] for line in lines[1:5]] == ["OAM", "NZ", "MAX", "P3"]
    assert "NZ" not in {line.split()[0] for line in listing(near=(8.5, 47.4))}
    done = answered("sources", "--near", "-83,39.96")
    assert done.returncode == 0, done.stderr
    assert "USDA/NAIP/DOQQ" in done.stdout and "SWISSIMAGE" not in done.stdout
    wrong = answered("sources", "--near", "-83,139.96")
    assert wrong.returncode == 2
    assert "--near -83,139.96: write it as LON,LAT, in degrees" in wrong.stderr + wrong.stdout


def test_the_open_sources_of_a_box_need_no_account() -> None:
    kentucky = open_sources([Box(-85.8, 38.1, -85.6, 38.3)])
    assert set(kentucky) == {"OAM", "KY", "IN", "US", "SEV", "S2", "L8", "L9"}
    assert all(block == {"backend": "stac"} for block in kentucky.values())
    assert "MAX" not in kentucky  # non-commercial
    assert "P3" not in kentucky  # Earth Engine only
