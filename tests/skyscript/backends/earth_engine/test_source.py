"""Earth Engine, through the unmodified client, against an emulator that is strict."""

import io
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from pipeline.errors import InputError
from skyscript.backends.earth_engine import EarthEngineBackend, EarthEngineSource
from skyscript.backends.service import retry as attempts
from skyscript.geo.tile import Box, tile_around
from skyscript.imagery.protocol import NeverAvailable, Problem, Scene, TooCloudy, TryLater
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine
from tests.emulators.earth_images import EarthImage, transformer
from tests.emulators.world import mercator_image, naip, noise

HERE = (-83.0, 40.0)
NOTHING = pa.table({})
Start = Callable[..., EarthEngine]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.01)


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[EarthEngine] = []

    def begin(*arguments: Any, **fields: Any) -> EarthEngine:
        running.append(EarthEngine(*arguments, **fields))
        return running[-1].__enter__()

    yield begin
    for earth in running:
        earth.__exit__()


def backend(earth: EarthEngine, folder: Path, **fields: Any) -> EarthEngineBackend:
    given = {
        "project": PROJECT,
        "service_account": key_file(folder / "key.json", earth.url),
        "endpoint": earth.url,
        "a_second": 1000,
    }
    return EarthEngineBackend(EarthEngineSource(**given | fields))


def around(place: tuple[float, float]) -> list[Box]:
    return [Box(*place, *place)]


def scene_of(found: EarthEngineBackend, alias: str = "US") -> Scene:
    return found.search(alias, around(HERE))[0]


def test_a_collection_is_listed_where_objects_lie(start: Start, tmp_path: Path) -> None:
    far = naip((-100.0, 35.0))
    earth = start({"USDA/NAIP/DOQQ": [*naip(HERE, 2)["USDA/NAIP/DOQQ"], *far["USDA/NAIP/DOQQ"]]})
    scenes = backend(earth, tmp_path).search("US", around(HERE))
    assert [scene.scene_id for scene in scenes] == ["US/m_0_20140613", "US/m_1_20160613"]
    first = scenes[0]
    assert (first.backend, first.source, first.gsd) == ("earth_engine", "US", 0.6)
    assert (first.acquired.isoformat(), first.time_precision) == (
        "2014-06-01T00:00:00+00:00",
        "day",
    )
    assert first.box.west < HERE[0] < first.box.east


def test_long_lists_come_in_pages(start: Start, tmp_path: Path) -> None:
    images = [
        mercator_image(f"USDA/NAIP/DOQQ/{number}", HERE, noise(0, 32, 32)) for number in range(1203)
    ]
    earth = start({"USDA/NAIP/DOQQ": images})
    assert len(backend(earth, tmp_path).search("US", around(HERE))) == 1203
    assert earth.desk.count("listAssets") == {200: 2}


def test_years_and_missing_colours_decide_what_is_listed(start: Start, tmp_path: Path) -> None:
    infrared = mercator_image(
        "USDA/NAIP/DOQQ/c_1", HERE, noise(0, 64, 64), bands=("N", "R", "G"), year=2016
    )
    earth = start({"USDA/NAIP/DOQQ": [*naip(HERE, 3)["USDA/NAIP/DOQQ"], infrared]})
    found = backend(earth, tmp_path, years=(2015, 2017)).search("US", around(HERE))
    assert [scene.scene_id for scene in found] == ["US/m_1_20160613"]


def test_a_catalogue_collection_that_is_one_image_is_taken_for_what_it_is(
    start: Start, tmp_path: Path
) -> None:
    place = (13.0, 52.4)
    one = mercator_image(
        "Germany/Brandenburg/orthos/20cm", place, noise(0, 800, 800), 0.2, year=2021
    )
    earth = start(single=[one])
    found = backend(earth, tmp_path)
    (scene,) = found.search("DE", around(place))
    assert (scene.scene_id, scene.time_precision) == ("DE/image", "range")
    found.cut(scene, tile_around(*place, 100, 100, 0.2), NOTHING)
    assert earth.desk.count("listAssets") == {}


def test_nothing_is_asked_about_places_outside_of_a_source(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    assert backend(earth, tmp_path).search("US", around((9.0, 47.0))) == []
    assert earth.desk.calls == []


def test_an_archive_picks_the_clearest_images_of_many_places_at_once(
    start: Start, tmp_path: Path
) -> None:
    name = "COPERNICUS/S2_SR_HARMONIZED"
    reflectance = (noise(0, 400, 400).astype(np.uint16)) * 20
    clouds = {"a": 3.0, "b": 50.0, "c": 1.0, "d": 2.0, "unknown": -1.0}
    images = [
        mercator_image(
            f"{name}/{index}",
            HERE,
            reflectance,
            10,
            ("B4", "B3", "B2"),
            properties={"CLOUDY_PIXEL_PERCENTAGE": cloud},
        )
        for index, cloud in clouds.items()
    ]
    earth = start({name: images})
    found = backend(earth, tmp_path, per_place=2, max_cloud=20)
    places = [Box(HERE[0] + step, HERE[1], HERE[0] + step, HERE[1]) for step in (0, 5)]
    scenes = found.search("S2", places)
    assert {scene.scene_id: scene.cloud for scene in scenes} == {"S2/c": 1.0, "S2/d": 2.0}
    assert earth.desk.count("value:compute") == {200: 1}
    tile = tile_around(*HERE, 120, 90, 10)
    rgb = found.cut(scenes[0], tile, NOTHING).rgb
    wanted = noise(0, 400, 400)[200 - 45 : 200 + 45, 200 - 60 : 200 + 60] / 150 * 255
    assert np.abs(rgb - np.clip(wanted, 0, 255)).mean() < 8  # 20 x the sample, of 3000


def test_objects_beyond_the_edge_of_the_clearest_images_get_their_own(
    start: Start, tmp_path: Path
) -> None:
    name, lon, lat = "COPERNICUS/S2_SR_HARMONIZED", *HERE
    images = [
        mercator_image(
            f"{name}/{index}",
            (lon + step, lat),
            noise(0, 80, 80),
            500,  # 40 km wide
            ("B4", "B3", "B2"),
            properties={"CLOUDY_PIXEL_PERCENTAGE": cloud},
        )
        for index, step, cloud in (("w1", -0.2, 0.0), ("w2", -0.2, 1.0), ("e1", 0.25, 9.0))
    ]
    earth = start({name: images})
    west, middle, east = (Box(lon + d, lat, lon + d, lat) for d in (-0.05, 0.0, 0.15))
    found = backend(earth, tmp_path, per_place=1, max_cloud=20)
    scenes = found.search("S2", [west, middle, east])
    assert {scene.scene_id for scene in scenes} == {"S2/w1", "S2/e1"}
    assert earth.desk.count("value:compute") == {200: 2}  # once more for what was not covered


def test_a_tile_is_one_request_and_its_jpeg_is_kept_as_it_came(
    start: Start, tmp_path: Path
) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    tile = tile_around(*HERE, 200, 120, 0.6)
    image = found.cut(scene, tile, NOTHING)
    assert earth.desk.count("getPixels") == {200: 1}
    assert image.jpeg is not None
    assert image.valid.all()
    decoded = np.asarray(Image.open(io.BytesIO(image.jpeg)))
    assert np.array_equal(decoded, image.rgb)


def test_pixels_lie_where_the_box_says(start: Start, tmp_path: Path) -> None:
    square = 20
    board = (np.indices((1000, 1000)) // square).sum(0) % 2 * 255
    samples = np.dstack([board] * 3).astype(np.uint8)
    earth = start({"USDA/NAIP/DOQQ": [mercator_image("USDA/NAIP/DOQQ/board", HERE, samples)]})
    found = backend(earth, tmp_path)
    tile = tile_around(*HERE, 200, 160, 0.6, shift=(7, -13))
    rgb = found.cut(scene_of(found), tile, NOTHING).rgb[..., 0]
    shifted = board[500 - 80 + 13 :, 500 - 100 + 7 :][:160, :200]
    wrong = np.abs(rgb.astype(int) - shifted) > 128
    assert wrong.mean() < 0.002  # a border that is half a pixel off would make 5 % wrong


def test_masked_pixels_come_as_alpha_and_no_jpeg_is_kept(start: Start, tmp_path: Path) -> None:
    valid = np.ones((1500, 1500), bool)
    valid[:, :750] = False
    earth = start(naip(HERE, valid=valid))
    found = backend(earth, tmp_path)
    image = found.cut(scene_of(found), tile_around(*HERE, 100, 100, 0.6), NOTHING)
    assert image.jpeg is None
    assert image.valid.mean() == pytest.approx(0.5, abs=0.02)
    assert not image.rgb[~image.valid].any()


@pytest.mark.parametrize("how", ["bilinear", "cubic"])
def test_interpolated_tiles_are_computed_by_the_service(
    start: Start, tmp_path: Path, how: str
) -> None:
    samples = np.zeros((1000, 1000, 3), np.uint8)
    samples[:, 500:] = 200
    earth = start({"USDA/NAIP/DOQQ": [mercator_image("USDA/NAIP/DOQQ/a", HERE, samples)]})
    found = backend(earth, tmp_path, resample=how)
    scene, tile = scene_of(found), tile_around(*HERE, 100, 100, 0.15)
    row = found.cut(scene, tile, NOTHING).rgb[50, :, 0]
    assert earth.desk.count("computePixels") == {200: 1}
    assert earth.desk.count("getPixels") == {}
    nearest = backend(earth, tmp_path).cut(scene, tile, NOTHING).rgb[50, :, 0]
    assert earth.desk.count("getPixels") == {200: 1}
    between = [np.count_nonzero((r > 40) & (r < 160)) for r in (row, nearest)]
    assert between[0] >= 2 > between[1]


def utm_image(name: str, bands: tuple[str, ...], samples: Any, **fields: Any) -> EarthImage:
    x, y = transformer("EPSG:4326", "EPSG:32617").transform(*HERE)
    height, width = samples.shape[:2]
    corner = x // 10 * 10 - width // 2 * 10, y // 10 * 10 + height // 2 * 10
    affine = (10.0, 0.0, corner[0], 0.0, -10.0, corner[1])
    return EarthImage(name, samples, bands, "EPSG:32617", affine, **fields)


@pytest.mark.parametrize("alias", ["S2", "US"])
def test_on_its_own_grid_an_image_gives_its_pixels_and_says_where_they_lie(
    start: Start, tmp_path: Path, alias: str
) -> None:
    name, bands = {
        "S2": ("COPERNICUS/S2_SR_HARMONIZED", ("B4", "B3", "B2")),
        "US": ("USDA/NAIP/DOQQ", ("R", "G", "B")),
    }[alias]
    samples = noise(0, 300, 300)
    scaled = samples.astype(np.uint16) * 11 if alias == "S2" else samples
    cloud = {"CLOUDY_PIXEL_PERCENTAGE": 1.0}
    earth = start({name: [utm_image(f"{name}/a", bands, scaled, properties=cloud)]})
    found = backend(earth, tmp_path, grid="native")
    scene, tile = scene_of(found, alias), tile_around(*HERE, 100, 80, 10)
    image = found.cut(scene, tile, NOTHING)
    assert image.grid is not None and image.grid.crs == "EPSG:32617"
    assert 100 < image.grid.width < 108 and 80 < image.grid.height < 88
    assert image.rgb.shape == (image.grid.height, image.grid.width, 3)
    corner = earth.collections[name][0].transform
    left = round((image.grid.transform[2] - corner[2]) / 10)
    top = round((corner[5] - image.grid.transform[5]) / 10)
    wanted = samples[top : top + image.grid.height, left : left + image.grid.width].astype(int)
    if alias == "S2":
        wanted = wanted * 11 * 255 // 3000
    luma = np.array([0.299, 0.587, 0.114])  # a JPEG halves the resolution of colours
    off = np.abs((image.rgb - wanted) @ luma).mean()
    beside = np.abs((image.rgb[:, 1:] - wanted[:, :-1]) @ luma).mean()
    assert off < 2 < beside
    # A tile out of two images has no grid of their own in common.
    assert found.mosaic([scene, scene], tile).rgb.shape == (80, 100, 3)


@pytest.mark.parametrize(("band", "cloudy"), [("SCL", 9), ("QA_PIXEL", 0b1000)])
def test_a_tile_under_clouds_is_unfit_where_the_config_asks(
    start: Start, tmp_path: Path, band: str, cloudy: int
) -> None:
    alias, name, most = {
        "SCL": ("S2", "COPERNICUS/S2_SR_HARMONIZED", "CLOUDY_PIXEL_PERCENTAGE"),
        "QA_PIXEL": ("L8", "LANDSAT/LC08/C02/T1_TOA", "CLOUD_COVER"),
    }[band]
    samples = np.full((400, 400, 4), 0, np.uint16)
    samples[:, :200, 3] = cloudy
    bands = ("B4", "B3", "B2", band)
    image = utm_image(f"{name}/a", bands, samples, properties={most: 3.0})
    earth = start({name: [image]})
    tile = tile_around(*HERE, 100, 100, 10)
    for limit, is_fit in ((None, True), (60, True), (20, False)):
        found = backend(earth, tmp_path, max_tile_cloud=limit)
        scene = scene_of(found, alias)
        if is_fit:
            assert found.cut(scene, tile, NOTHING).jpeg
        else:
            with pytest.raises(TooCloudy, match="clouds over more than 20 % of the tile"):
                found.cut(scene, tile, NOTHING)
    assert earth.desk.count("getPixels") == {200: 5}


@pytest.mark.parametrize(
    "fault", ["429", "crowded", "500", "503", "cut", "garbage", "hang", "slow"]
)
def test_a_fault_that_passes_is_survived(start: Start, tmp_path: Path, fault: str) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path, longest_answer=0.5)
    scene, tile = scene_of(found), tile_around(*HERE, 100, 100, 0.6)
    wanted = found.cut(scene, tile, NOTHING)
    earth.faults.planned.extend([fault, fault])
    again = found.cut(scene, tile, NOTHING)
    assert again.jpeg == wanted.jpeg
    assert sum(earth.desk.count("getPixels").values()) == 4


def test_too_many_computations_at_once_are_too_many_requests(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path, at_once=12)
    scene = scene_of(found)
    earth.faults.planned.extend(["crowded"] * 5)
    begun = found._connection().quota.at_once()
    assert found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING).jpeg
    assert earth.desk.count("getPixels") == {400: 5, 200: 1}
    assert found._connection().quota.at_once() < begun


def test_a_service_that_is_always_busy_stops_the_run(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene, tile = scene_of(found), tile_around(*HERE, 50, 50, 0.6)
    earth.faults.share, earth.faults.kinds = 1.0, ("429",)

    def everything() -> None:
        for _ in range(100):
            with pytest.raises(TryLater):
                found.cut(scene, tile, NOTHING)

    with pytest.raises(InputError, match="of the last 200 requests were too many"):
        everything()
    assert sum(earth.desk.count("getPixels").values()) <= 201


def test_many_threads_that_are_refused_a_token_ask_for_it_once(
    start: Start, tmp_path: Path
) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    before = sum(earth.desk.count("token").values())
    earth.tokens.clear()
    earth.revoked = True

    def refused(_: int) -> bool:
        with pytest.raises(InputError, match=r"invalid_grant.*earthengine authenticate"):
            found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(refused, range(60)))
    assert sum(earth.desk.count("token").values()) - before == 1


def test_a_fault_that_stays_ends_after_six_attempts(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    earth.faults.planned.extend(["503"] * 20)
    with pytest.raises(TryLater, match=r"Earth Engine failed \(503\), 6 times") as caught:
        found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)
    assert caught.value.problem is Problem.DOWN
    assert earth.desk.count("getPixels") == {503: 6}


@pytest.mark.parametrize("fault", ["memory", "timeout"])
def test_a_computation_that_is_too_large_is_tried_twice(
    start: Start, tmp_path: Path, fault: str
) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    earth.faults.planned.extend([fault] * 20)
    with pytest.raises(TryLater, match=r"Earth Engine answered 400.*, 2 times") as caught:
        found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)
    assert caught.value.problem is Problem.TOO_HEAVY
    assert earth.desk.count("getPixels") == {400: 2}


def test_what_can_never_work_is_asked_once(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    gone = Scene(**{**vars(scene), "name": "USDA/NAIP/DOQQ/none"})
    with pytest.raises(NeverAvailable, match="404"):
        found.cut(gone, tile_around(*HERE, 100, 100, 0.6), NOTHING)
    with pytest.raises(NeverAvailable, match="Total request size"):
        found.cut(scene, tile_around(*HERE, 8000, 8000, 0.6), NOTHING)
    assert earth.desk.count("getPixels") == {404: 1, 400: 1}


def test_a_token_that_ran_out_is_renewed(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene, tile = scene_of(found), tile_around(*HERE, 100, 100, 0.6)
    earth.tokens.clear()
    found.cut(scene, tile, NOTHING)
    assert earth.desk.count("token") == {200: 2}


def test_an_account_that_is_gone_stops_the_run_and_says_what_to_do(
    start: Start, tmp_path: Path
) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    earth.tokens.clear()
    earth.revoked = True
    with pytest.raises(InputError, match=r"invalid_grant.*earthengine authenticate"):
        found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)


def test_a_project_that_is_not_ours_stops_the_run(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    with pytest.raises(InputError, match=r"permission to use project other-project.*registered"):
        backend(earth, tmp_path, project="other-project").search("US", around(HERE))


def test_no_account_at_all_gives_one_sentence(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earth = start(naip(HERE))
    for name in ("HOME", "CLOUDSDK_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(InputError, match="no Earth Engine account on this machine: run"):
        backend(earth, tmp_path, service_account=None).search("US", around(HERE))


def test_a_file_that_is_no_key_is_named(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match=r"other.json: not the key file of a service account"):
        backend(earth, tmp_path, service_account=tmp_path / "other.json").search("US", around(HERE))


def test_a_restricted_project_is_asked_for_little(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    earth.faults.restricted = True
    found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)
    assert found._connection().quota.at_once() <= 4


def test_a_service_that_is_down_stops_the_run(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene, tile = scene_of(found), tile_around(*HERE, 50, 50, 0.6)
    earth.faults.share, earth.faults.kinds = 1.0, ("503",)

    def everything() -> None:
        for _ in range(100):
            with pytest.raises(TryLater):
                found.cut(scene, tile, NOTHING)

    with pytest.raises(InputError, match="of the last 100 requests failed"):
        everything()
    assert sum(earth.desk.count("getPixels").values()) <= 101


def test_an_address_where_nobody_answers_gives_one_sentence(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    with pytest.raises(InputError, match=r"http://127.0.0.1:9 cannot be used now: the connection"):
        backend(earth, tmp_path, endpoint="http://127.0.0.1:9").search("US", around(HERE))


def test_without_the_client_the_way_to_get_it_is_named(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = backend(start(naip(HERE)), tmp_path)
    monkeypatch.setitem(sys.modules, "ee", None)
    with pytest.raises(InputError, match=r"pip install 'skyscript\[ee\]'"):
        found.search("US", around(HERE))
