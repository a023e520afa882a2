"""What a file says of its place on the Earth."""

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely

from pipeline.errors import InputError
from skyscript.imagery.raster import footprint, ground_gsd, open_raster
from tests.skyscript.imagery.rasters import PLACES, north_up, plain, write_raster


@pytest.mark.parametrize("crs", [crs for crs in PLACES if crs not in ("EPSG:4326", "EPSG:3857")])
def test_gsd_is_the_pixel_of_a_crs_that_is_true_on_the_ground(tmp_path: Path, crs: str) -> None:
    raster = open_raster(write_raster(tmp_path / "a.tif", plain(), crs, PLACES[crs], 0.5))
    stretch = 0.015 if crs == "EPSG:3031" else 0.001  # as that projection stretches at 75 degrees
    assert ground_gsd(raster) == pytest.approx(0.5, rel=stretch)


def test_gsd_of_a_mercator_image_shrinks_with_latitude(tmp_path: Path) -> None:
    raster = open_raster(write_raster(tmp_path / "a.tif", plain(), "EPSG:3857", (10, 60), 1.0))
    assert ground_gsd(raster) == pytest.approx(0.5, rel=0.005)


def test_gsd_of_a_geographic_image_is_the_mean_of_its_sides(tmp_path: Path) -> None:
    raster = open_raster(write_raster(tmp_path / "a.tif", plain(), "EPSG:4326", (10, 60), 1e-5))
    assert ground_gsd(raster) == pytest.approx(1.1132 * math.sqrt(0.5), rel=0.005)


def test_the_footprint_holds_the_files_middle_and_corners(tmp_path: Path) -> None:
    raster = open_raster(write_raster(tmp_path / "a.tif", plain(), "EPSG:2056", (8.5, 47.4)))
    outline = footprint(raster)
    assert outline.contains(shapely.Point(8.5, 47.4))
    lon, lat = raster.degrees(0, 0)
    assert outline.distance(shapely.Point(lon, lat)) < 1e-9


def test_a_footprint_over_the_antimeridian_is_cut_in_two(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", plain(), "EPSG:32701", (-180, -17), 100.0)
    outline = footprint(open_raster(path))
    assert outline.bounds[0] == -180
    assert outline.bounds[2] == 180
    assert outline.area < 0.1
    assert outline.covers(shapely.Point(179.95, -17))
    assert outline.covers(shapely.Point(-179.95, -17))


def test_longitudes_up_to_360_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": 100, "height": 100}
    transform = north_up(280, 40, 0.01)
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, **profile) as file:
        file.write(plain(3, 100, 100))
    assert footprint(open_raster(path)).bounds == pytest.approx((-80, 39, -79, 40))


def test_a_pole_is_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", plain(), "EPSG:3031", (0, -90), 1000.0)
    with pytest.raises(InputError, match=r"a\.tif: contains a pole"):
        footprint(open_raster(path))


def test_a_file_that_changes_is_opened_anew(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", plain())
    first = open_raster(path)
    assert open_raster(path) is first
    path.unlink()
    write_raster(path, plain(4, 200, 200))
    assert open_raster(path).data.count == 4


def test_files_beyond_the_limit_are_closed(tmp_path: Path) -> None:
    first = open_raster(write_raster(tmp_path / "first.tif", plain(3, 10, 10)))
    assert np.all(first.data.read(1) == 10)
    for number in range(40):
        open_raster(write_raster(tmp_path / f"{number}.tif", plain(3, 10, 10)))
    assert open_raster(tmp_path / "first.tif") is not first


def test_a_crs_whose_name_is_not_utf_8_is_one_sentence(tmp_path: Path) -> None:
    crs = rasterio.crs.CRS.from_proj4("+proj=tmerc +lat_0=1.5 +lon_0=7.25 +k=0.99 +ellps=GRS80")
    named = crs.to_wkt().replace('PROJCS["unknown"', 'PROJCS["My Grid x"')
    path = write_raster(tmp_path / "latin1.tif", plain(), named, (0, 0), 1.0)
    data = path.read_bytes()
    assert b"My Grid x" in data
    path.write_bytes(data.replace(b"My Grid x", b"My Gr\xeed x"))
    with pytest.raises(InputError, match=r"latin1\.tif: the name of its CRS is not UTF-8"):
        open_raster(path)
