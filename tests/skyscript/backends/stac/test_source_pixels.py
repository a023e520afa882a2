"""The files of a STAC API's items become pixels: where they lie, and in which colours."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.shutil import copy
from rasterio.vrt import WarpedVRT

from image_sources import StacRoute
from skyscript.geo.tile import Box, mercator_scale, tile_around
from skyscript.imagery.protocol import NeverAvailable
from tests.emulators.stac import item
from tests.skyscript.backends.stac.conftest import (
    AROUND,
    HERE,
    NOTHING,
    TILE,
    Start,
    backend,
    found,
)
from tests.skyscript.imagery.rasters import write_raster


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


def test_a_file_that_leads_on_to_others_is_not_read(start: Start, tmp_path: Path) -> None:
    secret = write_raster(tmp_path / "secret.tif", np.full((3, 300, 300), 77, np.uint8))
    with rasterio.open(secret) as file, WarpedVRT(file) as view:
        copy(view, tmp_path / "a.vrt", driver="VRT")
    one = backend(start([item("a", "HERE/a.vrt", AROUND)]))
    (scene,) = one.search("OWN", [Box(*HERE, *HERE)])
    with pytest.raises(NeverAvailable, match=r"a\.vrt is neither GeoTIFF nor JPEG 2000 but VRT"):
        one.cut(scene, TILE, NOTHING)
