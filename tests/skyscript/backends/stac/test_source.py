"""A STAC API and the files it leads to, by the maintained client and by ranges."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import rasterio
from pydantic import ValidationError
from rasterio.shutil import copy
from rasterio.vrt import WarpedVRT
from shapely.geometry import box, mapping

from image_sources import PLANETARY, PLANETARY_TOKEN, StacRoute
from pipeline.errors import InputError
from skyscript.backends.service import retry as attempts
from skyscript.backends.stac import remote_file, token
from skyscript.backends.stac.config import StacSource, find_route
from skyscript.backends.stac.items import scenes_of_items
from skyscript.backends.stac.query import StacQuery
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box, mercator_scale, tile_around
from skyscript.imagery.protocol import NeverAvailable, Problem, Scene, TryLater
from tests.emulators.faults import Faults
from tests.emulators.server import Emulator, Handler
from tests.emulators.stac import StacArchive, item
from tests.skyscript.imagery.rasters import write_raster

HERE = (9.0, 47.0)
AROUND = mapping(box(8.9, 46.9, 9.1, 47.1))
NOTHING = pa.table({})
TILE = tile_around(*HERE, 100, 80, 0.5)
Start = Callable[..., StacArchive]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.01)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[StacArchive] = []

    def begin(items: list[dict[str, Any]], **fields: Any) -> StacArchive:
        running.append(StacArchive({"images": items}, tmp_path, **fields))
        archive = running[-1].__enter__()
        for found in items:
            for asset in found["assets"].values():
                asset["href"] = asset["href"].replace("HERE", f"{archive.url}/files")
        return archive

    yield begin
    for archive in running:
        archive.__exit__()


def backend(archive: StacArchive, **fields: Any) -> StacBackend:
    given = {"api": archive.url, "collection": "images", "assets": ["visual"], "gsd": 0.5}
    return StacBackend(StacSource.model_validate(given | fields))


def found(archive: StacArchive, alias: str = "OWN", **fields: Any) -> list[Scene]:
    return list(backend(archive, **fields).search(alias, [Box(*HERE, *HERE)]))


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


def test_pixels_lie_where_the_box_says(start: Start, tmp_path: Path) -> None:
    board = (np.indices((400, 400)) // 20).sum(0) % 2 * 255
    samples = np.stack([board] * 3).astype(np.uint8)
    pixel = 0.5 * mercator_scale(HERE[1])
    write_raster(tmp_path / "a.tif", samples, "EPSG:3857", HERE, pixel, tiled=True)
    archive = start([item("board", "HERE/a.tif", AROUND)])
    one = backend(archive)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    tile = tile_around(*HERE, 100, 80, 0.5, shift=(7, -13))
    image = one.cut(scene, tile, NOTHING)
    wanted = board[200 - 40 + 13 :, 200 - 50 + 7 :][:80, :100]
    assert image.valid.all()
    assert (np.abs(image.rgb[..., 0].astype(int) - wanted) > 128).mean() < 0.002


def test_three_files_are_red_green_and_blue_with_one_stretch(start: Start, tmp_path: Path) -> None:
    for name, value in (("r", 1000), ("g", 2000), ("b", 4000)):
        samples = np.full((1, 300, 300), value, np.uint16)
        write_raster(tmp_path / f"{name}.tif", samples, tiled=True)
    hrefs = {"red": "HERE/r.tif", "green": "HERE/g.tif", "blue": "HERE/b.tif"}
    archive = start([item("three", hrefs, AROUND)])
    one = backend(archive, assets=["red", "green", "blue"], scale=(0, 3000))
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    image = one.cut(scene, TILE, NOTHING)
    assert image.rgb[40, 50].tolist() == [85, 170, 255]


def test_a_16_bit_file_without_a_stretch_is_recorded(start: Start, tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 1000, np.uint16), tiled=True)
    archive = start([item("deep", "HERE/a.tif", AROUND)])
    one = backend(archive)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    with pytest.raises(
        NeverAvailable, match=r"a.tif: band 1 is uint16, not 8-bit: set the source's `scale` to"
    ):
        one.cut(scene, TILE, NOTHING)


S2_BANDS = [{"scale": 0.0001, "offset": -0.1, "nodata": 0, "data_type": "uint16"}]


@pytest.mark.parametrize(
    ("facts", "fields", "right"),
    [
        ({"raster:bands": S2_BANDS}, {}, [127, 127, 133]),
        ({"raster:bands": S2_BANDS * 3}, {}, [127, 127, 133]),
        ({"bands": [{"raster:scale": 0.0001, "raster:offset": -0.1}] * 3}, {}, [127, 127, 133]),
        ({"raster:scale": 0.0001, "raster:offset": -0.1}, {}, [127, 127, 133]),
        ({"raster:bands": [{"offset": -1000}]}, {}, [127, 127, 133]),
        ({"raster:bands": S2_BANDS}, {"offset": 0}, [227, 227, 233]),
        ({}, {"offset": 1000}, [127, 127, 133]),
        ({}, {}, [227, 227, 233]),
    ],
    ids=["of one", "of three", "STAC 1.1", "of all", "no scale", "config", "config only", "none"],
)
def test_the_offset_that_an_item_states_is_taken_off(
    start: Start, tmp_path: Path, facts: dict[str, Any], fields: dict[str, Any], right: list[int]
) -> None:
    samples = np.full((3, 300, 300), 2270, np.uint16)
    samples[2] += 60
    write_raster(tmp_path / "a.tif", samples, tiled=True)
    found = item("a", "HERE/a.tif", AROUND)
    found["assets"]["visual"] |= facts
    one = backend(start([found]), scale=(0, 2550), **fields)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    assert one.cut(scene, TILE, NOTHING).rgb[40, 50].tolist() == right


def test_an_item_says_which_bands_are_colours_and_which_sample_is_no_data(
    start: Start, tmp_path: Path
) -> None:
    samples = np.stack([np.full((300, 300), value, np.uint8) for value in (90, 10, 20, 30)])
    samples[:, :, :150] = 0
    write_raster(tmp_path / "a.tif", samples, tiled=True, photometric="MINISBLACK")
    found = item("a", "HERE/a.tif", AROUND)
    names = ("nir", "blue", "green", "red")
    found["assets"]["visual"]["eo:bands"] = [{"common_name": name} for name in names]
    found["assets"]["visual"]["raster:bands"] = [{"nodata": 0}] * 4
    archive = start([found])
    one = backend(archive)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    image = one.cut(scene, TILE, NOTHING)
    assert image.rgb[40, 90].tolist() == [30, 20, 10]
    assert image.valid.mean() == pytest.approx(0.5, abs=0.01)
    one = backend(archive, bands=(1, 2, 3))
    assert one.cut(scene, TILE, NOTHING).rgb[40, 90].tolist() == [90, 10, 20]


def test_each_of_three_files_has_its_own_offset(start: Start, tmp_path: Path) -> None:
    for name, value in (("r", 2000), ("g", 3000), ("b", 4000)):
        samples = np.full((1, 300, 300), value, np.uint16)
        write_raster(tmp_path / f"{name}.tif", samples, tiled=True)
    found = item("a", {"red": "HERE/r.tif", "green": "HERE/g.tif", "blue": "HERE/b.tif"}, AROUND)
    for name, offset in (("red", -0.1), ("green", -0.2), ("blue", -0.1)):
        found["assets"][name]["raster:bands"] = [{"scale": 0.0001, "offset": offset}]
    one = backend(start([found]), assets=["red", "green", "blue"], scale=(0, 3000))
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    assert one.cut(scene, TILE, NOTHING).rgb[40, 50].tolist() == [85, 85, 255]


def test_an_offset_that_the_archive_took_off_already_is_not_taken_off_again(start: Start) -> None:
    found_item = item("a", "HERE/a.tif", AROUND, **{"earthsearch:boa_offset_applied": True})
    found_item["assets"]["visual"]["raster:bands"] = S2_BANDS
    (scene,) = found(start([found_item]))
    assert (scene.offsets, scene.nodata) == ((0, 0, 0), 0)


def test_a_published_stretch_counts_stored_samples_whatever_the_item_states(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = ("red", "green", "blue")
    write_raster(tmp_path / "a.tif", np.full((1, 300, 300), 12750, np.uint16), tiled=True)
    silent, loud = (
        item(name, dict.fromkeys(three, "HERE/a.tif"), AROUND, **{"eo:cloud_cover": 1})
        for name in ("silent", "loud")
    )
    for each in three:
        loud["assets"][each]["raster:bands"] = [{"scale": 2.75e-05, "offset": -0.2}]
    archive = start([silent, loud])
    one = backend(archive, assets=three)
    route = StacRoute(archive.url, "images", three, stretch=(7300, 18200))
    monkeypatch.setattr("skyscript.backends.stac.source.find_route", lambda *_: route)
    for scene in one.search("L8", [Box(*HERE, *HERE)]):
        assert abs(one.cut(scene, TILE, NOTHING).rgb[40, 50].astype(int) - 127).max() <= 1


def test_files_behind_a_token_are_opened_with_it(start: Start, tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)], token="sig=abc")
    one = backend(archive)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    with pytest.raises(NeverAvailable, match=r"OWN/a cannot be read \(403\)"):
        one.cut(scene, TILE, NOTHING)
    assert set(archive.desk.count("file")) == {403}
    assert archive.desk.count("file").total() <= 3  # not six attempts
    signed = backend(archive, sign=f"{archive.url}/token")
    assert signed.cut(scene, TILE, NOTHING).rgb.max() == 77
    assert archive.desk.count("token") == {200: 1}


def test_a_read_token_ends_when_it_says_and_when_it_is_refused(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)], token="sig=abc")
    one = backend(archive, sign=f"{archive.url}/token")
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    archive.token_ends = datetime.now(UTC) + timedelta(seconds=62)
    one.cut(scene, TILE, NOTHING)
    one.cut(scene, TILE, NOTHING)
    assert archive.desk.count("token") == {200: 1}
    monkeypatch.setattr(token.time, "time", lambda: (datetime.now(UTC)).timestamp() + 3)
    one.cut(scene, TILE, NOTHING)
    assert archive.desk.count("token") == {200: 2}
    archive.token, archive.token_ends = "sig=new", datetime.now(UTC) + timedelta(hours=1)
    fresh = backend(archive, sign=f"{archive.url}/token")
    fresh.cut(scene, TILE, NOTHING)
    archive.token = "sig=newer"  # the old one is withdrawn before its end
    assert backend(archive, sign=f"{archive.url}/token").cut(scene, TILE, NOTHING).rgb.max() == 77
    fresh._of_thread.files.clear()
    assert fresh.cut(scene, TILE, NOTHING).rgb.max() == 77


def test_threads_that_are_refused_together_get_one_new_token(start: Start, tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)], token="sig=old")
    one = backend(archive, sign=f"{archive.url}/token")
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    one._signers[f"{archive.url}/token"] = signer = token.Signer(f"{archive.url}/token")
    signer.token()
    archive.token = "sig=new"
    begun = time.monotonic()
    for _ in range(8):
        signer.expire(begun)
        assert signer.token() == "sig=new"
    assert archive.desk.count("token") == {200: 2}
    assert one.cut(scene, TILE, NOTHING).rgb.max() == 77
    assert token.signed("https://a/b.tif?x=1", "sig=c") == "https://a/b.tif?x=1&sig=c"


def test_every_collection_of_the_planetary_computer_is_signed_by_its_own() -> None:
    config = StacSource(api=PLANETARY, collection="io-lulc", assets=("data",))
    assert find_route(config, "LUL").sign == f"{PLANETARY_TOKEN}io-lulc"


def test_a_file_that_is_gone_is_told_from_one_that_cannot_be_read_now(
    start: Start, tmp_path: Path
) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND), item("gone", "HERE/none.tif", AROUND)])
    one = backend(archive)
    there, gone = one.search("OWN", [Box(*HERE, *HERE)])
    with pytest.raises(NeverAvailable, match=r"OWN/gone: its file is not there \(404\)"):
        one.cut(gone, TILE, NOTHING)
    archive.faults.planned.extend(["503", "503"])
    assert one.cut(there, TILE, NOTHING).rgb.max() == 77


@pytest.mark.parametrize("fault", ["429", "503", "cut", "hang"])
def test_a_fault_that_passes_is_survived_and_does_not_stick(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setitem(remote_file.GDAL, "GDAL_HTTP_TIMEOUT", "1")
    monkeypatch.setitem(remote_file.GDAL, "GDAL_HTTP_RETRY_DELAY", "0.01")
    samples = np.random.default_rng(0).integers(0, 255, (3, 300, 300), np.uint8)
    write_raster(tmp_path / "a.tif", samples, tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)])
    one = backend(archive)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    archive.faults.planned.extend([fault] * 2)
    rgb = one.cut(scene, TILE, NOTHING).rgb
    assert not archive.faults.planned
    assert np.array_equal(rgb, backend(archive).cut(scene, TILE, NOTHING).rgb)


def test_a_server_that_wants_fewer_requests_gets_fewer(start: Start, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 255, (3, 600, 600), np.uint8)
    write_raster(tmp_path / "a.tif", samples, tiled=True, blockxsize=128, blockysize=128)
    archive = start([item("a", "HERE/a.tif", AROUND)], faults=Faults(latency=0.02, cap=3))
    one = backend(archive, at_once=12, a_second=1000)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    tiles = [tile_around(*HERE, 60, 60, 0.5, shift=(n % 9 * 25 - 100, 0)) for n in range(90)]
    with ThreadPoolExecutor(24) as pool:
        cut = list(pool.map(lambda tile: one.cut(scene, tile, NOTHING), tiles))
    assert all(image.valid.all() for image in cut)
    assert one._quota(archive.url).at_once() < 12
    assert 1 <= archive.desk.most_at_once <= 3  # a busy machine may not ask for all at once


def test_a_read_that_stays_busy_is_recorded_as_that(start: Start, tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", np.full((3, 300, 300), 77, np.uint8), tiled=True)
    archive = start([item("a", "HERE/a.tif", AROUND)], faults=Faults(kinds=("429",)))
    one = backend(archive)
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    archive.faults.share = 1
    with pytest.raises(TryLater, match=r"OWN/a cannot be read \(429\), 6 times") as caught:
        one.cut(scene, TILE, NOTHING)
    assert caught.value.problem is Problem.BUSY


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


def test_a_file_that_leads_on_to_others_is_not_read(start: Start, tmp_path: Path) -> None:
    secret = write_raster(tmp_path / "secret.tif", np.full((3, 300, 300), 77, np.uint8))
    with rasterio.open(secret) as file, WarpedVRT(file) as view:
        copy(view, tmp_path / "a.vrt", driver="VRT")
    one = backend(start([item("a", "HERE/a.vrt", AROUND)]))
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    with pytest.raises(NeverAvailable, match=r"a\.vrt is neither GeoTIFF nor JPEG 2000 but VRT"):
        one.cut(scene, TILE, NOTHING)
