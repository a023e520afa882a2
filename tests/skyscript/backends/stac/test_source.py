"""A STAC API, searched by the maintained client: which items become scenes."""

from typing import Any

import pytest
from pydantic import ValidationError
from shapely.geometry import box, mapping

from image_sources import StacRoute
from pipeline.errors import InputError
from skyscript.backends.stac.config import StacSource
from skyscript.backends.stac.items import scenes_of_items
from skyscript.backends.stac.query import StacQuery
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box
from tests.emulators.faults import Faults
from tests.emulators.server import Emulator, Handler
from tests.emulators.stac import item
from tests.skyscript.backends.stac.conftest import AROUND, HERE, Start, backend, found


def test_items_become_scenes(start: Start) -> None:
    far = item("far", "HERE/far.tif", mapping(box(20, 20, 21, 21)))
    near = item("near", "HERE/a.tif", AROUND, "2019-07-14T10:30:05Z", **{"eo:cloud_cover": 2.5})
    other = item("other", {"thumbnail": "HERE/b.jpg"}, AROUND)
    (scene,) = found(start([near, far, other]))
    assert (scene.scene_id, scene.backend, scene.gsd, scene.cloud) == ("OWN/near", "stac", 0.5, 2.5)
    assert (scene.acquired.isoformat(), scene.time_precision) == (
        "2019-07-14T10:30:05+00:00",
        "minute",
    )
    assert scene.hrefs[0].endswith("/files/a.tif")
    assert scene.box == (8.9, 46.9, 9.1, 47.1)


def test_long_answers_come_in_pages_and_years_decide(start: Start) -> None:
    items = [
        item(f"i{n}", "HERE/a.tif", AROUND, f"{2000 + n % 20}-01-02T00:00:00Z") for n in range(600)
    ]
    archive = start(items)
    assert len(found(archive)) == 600
    assert len(found(archive, years=(2005, 2006))) == 60


def test_of_a_satellite_the_clearest_of_each_place_are_kept(start: Start) -> None:
    clouds = {"a": 5.0, "b": 1.0, "c": 40.0, "d": 3.0}
    items = [
        item(name, "HERE/a.tif", AROUND, **{"eo:cloud_cover": cloud})
        for name, cloud in clouds.items()
    ]
    scenes = found(start(items), "S2", per_place=2)
    assert [scene.scene_id for scene in scenes] == ["S2/b", "S2/d"]
    assert found(start(items), "S2", max_cloud=2)[0].name == "b"


@pytest.mark.slow
def test_objects_at_the_edge_of_an_orbit_get_images_that_cover_them(start: Start) -> None:
    """Three clear images show the west of a place, and hazier ones of the next orbit its east."""
    west, east = mapping(box(8.0, 46.0, 9.03, 48.0)), mapping(box(8.9, 46.0, 10.0, 48.0))
    items = [
        *(item(f"w{n}", "HERE/a.tif", west, **{"eo:cloud_cover": 0.0}) for n in range(300)),
        *(item(f"e{n}", "HERE/a.tif", east, **{"eo:cloud_cover": 5.0 + n}) for n in range(3)),
        *(item(f"x{n}", "HERE/a.tif", west, **{"eo:cloud_cover": 9.0}) for n in range(300)),
    ]
    archive = start(items)
    places = [Box(lon, 47.01, lon, 47.01) for lon in (9.01, 9.2)]
    found_ = list(backend(archive, per_place=2, gsd=1).search("S2", places))
    assert sorted(scene.name for scene in found_) == ["e0", "e1", "w0", "w1"]
    # Four pages of a hundred items hold them; the last 203 are not asked for.
    assert archive.desk.count("search") == {200: 4}


def test_ch_by_its_archive_goes_on_where_earth_engines_copy_ends(start: Start) -> None:
    years = (2016, 2017, 2021, 2024)
    items = [item(f"i{y}", "HERE/a.tif", AROUND, f"{y}-01-01T00:00:00Z") for y in years]
    scenes = found(start(items), "CH")
    assert [scene.acquired.year for scene in scenes] == [2017, 2021, 2024]


def clouds_of(*clouds: float | None, **fields: Any) -> list[dict[str, Any]]:
    """Give an item for each cloud cover, called i0, i1 ..."""
    return [
        item(f"i{n}", "HERE/a.tif", AROUND, **fields, **{"eo:cloud_cover": cloud})
        for n, cloud in enumerate(clouds)
    ]


@pytest.mark.parametrize("ignored", [{"query"}, {"sortby"}, {"query", "sortby"}, {"datetime"}])
def test_an_api_that_ignores_what_it_is_asked_is_checked_here(
    start: Start, ignored: set[str]
) -> None:
    archive = start(clouds_of(95, 60, 9, -1, 3, 4, 10, *[50] * 40, 1))
    archive.ignored = frozenset(ignored)
    scenes = found(archive, "S2", per_place=3)
    assert [scene.cloud for scene in scenes] == [1, 3, 4]
    archive = start(clouds_of(1, time="2015-01-01T00:00:00Z"))
    archive.ignored = frozenset({"datetime"})
    assert found(archive, years=(2019, 2021)) == []


def test_an_api_that_answers_right_is_asked_once_for_each_place(start: Start) -> None:
    archive = start(clouds_of(95, 60, 9, 3, 4))
    assert [scene.cloud for scene in found(archive, "S2", per_place=2)] == [3, 4]
    assert archive.desk.count("search") == {200: 1}


def test_a_users_own_alias_is_limited_too(start: Start) -> None:
    archive = start(clouds_of(95, 9, 3, 4, None))
    assert {scene.cloud for scene in found(archive)} == {9, 3, 4, None}
    assert {scene.cloud for scene in found(archive, max_cloud=100)} == {95, 9, 3, 4, None}
    assert [scene.cloud for scene in found(archive, per_place=2)] == [3, 4]


def test_the_satellite_is_checked_here_too(start: Start) -> None:
    archive = start(clouds_of(1, platform="landsat-9"))
    archive.ignored = frozenset({"query"})
    assert found(archive, "L8", platform="landsat-8") == []


def test_gsd_comes_from_the_asset_then_the_item_then_the_source(start: Start) -> None:
    place = (-83.0, 40.0)
    around = mapping(box(-83.1, 39.9, -82.9, 40.1))
    items = [item(name, "HERE/a.tif", around) for name in "abcd"]
    items[0]["assets"]["visual"]["gsd"] = 0.3
    items[0]["properties"]["gsd"] = 5
    items[1]["properties"]["gsd"] = 1.0
    items[2]["assets"]["visual"]["raster:bands"] = [{"spatial_resolution": 2}]
    archive = start(items)
    for gsd, right in ((None, [0.3, 1.0, 2, 0.6]), (0.5, [0.5] * 4)):
        scenes = backend(archive, gsd=gsd).search("US", [Box(*place, *place)])
        assert [scene.gsd for scene in scenes] == right


def test_one_collection_of_two_satellites_gives_the_one_that_is_meant(start: Start) -> None:
    items = [
        item(name, dict.fromkeys(("red", "green", "blue"), "HERE/a.tif"), AROUND, platform=name)
        | {
            "properties": {
                "datetime": "2022-01-01T00:00:00Z",
                "platform": name,
                "eo:cloud_cover": 1,
            }
        }
        for name in ("landsat-8", "landsat-9")
    ]
    archive = start(items)
    three = ["red", "green", "blue"]
    (scene,) = found(archive, "L8", assets=three, platform="landsat-8")
    assert scene.name == "landsat-8"
    assert len(scene.hrefs) == 3


def test_a_search_survives_faults_that_pass(start: Start) -> None:
    archive = start([item("a", "HERE/a.tif", AROUND)], faults=Faults())
    archive.faults.planned.extend(["503", "429"])
    assert len(found(archive)) == 1


def test_a_wrong_collection_or_address_gives_one_sentence(start: Start) -> None:
    archive = start([item("a", "HERE/a.tif", AROUND)])
    with pytest.raises(InputError, match=r"OWN: http.* cannot be searched .*no collection other"):
        found(archive, collection="other")


def test_an_alias_without_a_public_route_asks_for_one() -> None:
    with pytest.raises(
        InputError, match=r"sources.P3: no public STAC route .* set api, collection"
    ):
        StacBackend(StacSource()).search("P3", [Box(*HERE, *HERE)])


def test_places_outside_of_a_sources_coverage_are_not_asked_about(start: Start) -> None:
    archive = start([item("a", "HERE/a.tif", AROUND)])
    assert backend(archive).search("US", [Box(*HERE, *HERE)]) == []
    assert archive.desk.calls == []


POLYGON = mapping(box(8.9, 46.9, 9.1, 47.1))
BROKEN: dict[str, dict[str, Any]] = {
    "no geometry": {"geometry": {"type": "Polygon", "coordinates": "x"}},
    "an open ring": {"geometry": {"type": "Polygon", "coordinates": [[[float("nan"), 1]] * 4]}},
    "no time": {"properties": {"datetime": "yesterday"}},
    "no number": {"properties": {"datetime": "2020-01-01T00:00:00Z", "eo:cloud_cover": "low"}},
    "a list of assets": {"assets": ["visual"]},
    "no address": {"assets": {"visual": {}}},
    "a file of ours": {"assets": {"visual": {"href": "/etc/passwd"}}},
    "a file of ours by another name": {"assets": {"visual": {"href": "/vsizip/vsicurl/x"}}},
}


def query(gsd: float | None) -> StacQuery:
    route = StacRoute("", "", ("visual",))
    return StacQuery(
        alias="OWN",
        route=route,
        years=(2000, 2030),
        max_cloud=10,
        per_place=None,
        weight=1.0,
        gsd=gsd,
        source_gsd=None,
        time_precision="day",
        bands=None,
    )


@pytest.mark.parametrize("what", BROKEN)
def test_an_item_that_is_none_is_passed_over_and_counted(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = query(gsd=0.5)
    good = item("a", "https://example.org/a.tif", POLYGON)
    found = scenes_of_items([good | BROKEN[what], good, None, 5], wanted)
    assert [scene.name for scene in found] == ["a"]
    assert "OWN: 3 of 4 items are no STAC items" in caplog.text


@pytest.mark.parametrize("gsd", [-1, 1e-9, float("nan"), float("inf")])
def test_an_item_of_an_impossible_gsd_is_passed_over(gsd: float) -> None:
    wanted = query(gsd=None)
    good = item("a", "https://example.org/a.tif", POLYGON, gsd=0.5)
    odd = item("b", "https://example.org/b.tif", POLYGON, gsd=gsd)
    assert [scene.gsd for scene in scenes_of_items([good, odd], wanted)] == [0.5]


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"5", b'{"hello": 1}'])
def test_an_address_that_is_no_stac_api_gives_one_sentence(answer: bytes) -> None:
    class Page(Handler):
        def do_GET(self) -> None:
            self.send(200, "application/json", answer, {})

    with (
        Emulator(Page, None) as page,
        pytest.raises(InputError, match=r"OWN: http.* cannot be searched .*check the address"),
    ):
        given = {"api": page.url, "collection": "images", "assets": ["visual"], "gsd": 0.5}
        StacBackend(StacSource.model_validate(given)).search("OWN", [Box(*HERE, *HERE)])


@pytest.mark.parametrize(
    "fields", [{"bands": (0, 1, 2)}, {"scale": (3000, 0)}, {"years": (2020, 2010)}, {"at_once": 0}]
)
def test_a_config_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        StacSource(**fields)
