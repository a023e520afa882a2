"""Earth Engine, through the unmodified client, against a strict emulator: what is listed."""

from pathlib import Path

import numpy as np
import pytest

from skyscript.geo.tile import Box, tile_around
from tests.emulators.world import mercator_image, naip, noise
from tests.skyscript.backends.earth_engine.conftest import HERE, NOTHING, Start, around, backend


@pytest.mark.slow
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


@pytest.mark.slow
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
