"""A folder of georeferenced files as a source."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from PIL import Image
from pydantic import ValidationError

from pipeline.errors import InputError
from skyscript.backends import folder
from skyscript.backends.folder import FolderBackend, content, files
from skyscript.geo.tile import tile_around
from tests.conftest import real_files
from tests.skyscript.backends.folders import NO_OBJECTS, refusal, source
from tests.skyscript.imagery.rasters import plain, write_raster


def test_each_file_is_a_scene(tmp_path: Path) -> None:
    (tmp_path / "north").mkdir()
    write_raster(tmp_path / "b.TIF", plain(), "EPSG:2056", (8.5, 47.4), 0.1)
    write_raster(tmp_path / "north" / "a.tif", plain(), "EPSG:2056", (8.5, 47.5), 0.1)

    first, second = FolderBackend(source(tmp_path, weight=3)).scenes("CH")

    assert (first.scene_id, second.scene_id) == ("CH/b.TIF", "CH/north/a.tif")
    assert (first.name, first.source, first.backend) == ("b.TIF", "CH", "folder")
    assert first.gsd == 0.1
    assert first.weight == 3
    assert first.acquired == datetime(2019, 1, 1, tzinfo=UTC)
    assert first.time_precision == "year"
    assert shapely.from_wkb(second.geometry).contains(shapely.Point(8.5, 47.5))
    assert first.box == shapely.from_wkb(first.geometry).bounds


def test_unchanged_files_are_opened_once_and_changed_ones_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_raster(tmp_path / "a.tif", plain(), "EPSG:2056", (8.5, 47.4), 0.1)
    backend, opened = FolderBackend(source(tmp_path)), []
    in_child = folder.open_in_child

    def counted(opens: Any, paths: Any) -> Any:
        opened.extend(paths)
        return in_child(opens, paths)

    monkeypatch.setattr(folder, "open_in_child", counted)
    assert backend.scenes("CH") == backend.scenes("CH")
    assert len(opened) == 1
    write_raster(tmp_path / "b.tif", plain(), "EPSG:2056", (8.5, 47.4), 0.1)
    assert len(backend.scenes("CH")) == 2
    assert len(opened) == 3


def test_which_files_count(tmp_path: Path) -> None:
    (tmp_path / "within").mkdir()
    for name in ("a.tif", "b.TIFF", "within/c.tif", ".hidden.tif", "notes.txt", "d.png"):
        (tmp_path / name).touch()

    def names(**fields: Any) -> list[str]:
        return [path.name for path in files(source(tmp_path, **fields))]

    assert names() == ["a.tif", "b.TIFF", "c.tif"]
    assert names(recursive=False) == ["a.tif", "b.TIFF"]
    assert names(pattern="*.png") == ["d.png"]
    assert names(pattern=["a.*", "d.*"]) == ["a.tif", "d.png"]
    assert [path.name for path in files(source(tmp_path / "d.png"))] == ["d.png"]


def test_the_files_own_time_serves_where_the_config_has_none(tmp_path: Path) -> None:
    tags = {"TIFFTAG_DATETIME": "2021:03:04 05:06:07"}
    path = write_raster(tmp_path / "a.tif", plain(), tags=tags)
    (scene,) = FolderBackend(source(path, acquired=None)).scenes("CH")
    assert scene.acquired == datetime(2021, 3, 4, 5, 6, tzinfo=UTC)
    assert scene.time_precision == "minute"
    (scene,) = FolderBackend(source(path, acquired="2020-08-01")).scenes("CH")
    assert (scene.acquired.year, scene.time_precision) == (2020, "day")


def test_a_measured_gsd_has_two_digits_and_the_configs_is_taken_as_it_is(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", plain(), pixel=0.6008)
    assert FolderBackend(source(path)).scenes("US")[0].gsd == 0.6
    assert FolderBackend(source(path, gsd=0.6123)).scenes("US")[0].gsd == 0.6123


@pytest.mark.parametrize(
    ("path", "gsd", "scale"),
    real_files(
        ("imagery/dop_stade_de_1.7m.tif", 1.7, None),
        ("imagery/l8_alabama_30m_rgb_uint16_cog.tif", 30, (7000, 20000)),
        ("imagery/l8_baviaanskloof_30m_24band.tif", 30, None),
        ("imagery/landsat7_olinda_br_28m_6band.tif", 28, None),
        ("imagery/naip_ca_0.6m_20200415.tif", 0.6, None),
        ("imagery/naip_wi_0.6m_20200902.tif", 0.6, None),
        ("imagery/neon_sjer_ca_0.1m_2018.tif", 0.1, None),
        ("imagery/ngi_baviaanskloof_5m_1.tif", 5, None),
        ("imagery/nl_ortho_0.25m_deepforest.tif", 0.25, None),
        ("imagery/oam_brazil_0.1m_deepforest.tif", 0.096, None),
        ("imagery/rasterio_korea_0.6m.tif", 0.47, None),
        ("imagery/s2_baviaanskloof_10m.tif", 10, None),
        ("imagery/s2_virginia_eastern_shore_10m_tci_cog.tif", 10, None),
        ("imagery/usgs_hro_colorado_0.15m.tif", 0.15, None),
        ("imagery/zurich_ortho_0.5m.tif", 0.5, None),
        ("imagery/zurichsee_ortho_0.5m.tif", 0.5, None),
        ("pairs/banepa/imagery.tif", 0.13, None),
        ("pairs/swellendam/3320D_2010_315_RGB_LATLNG.tif", 2.5, None),
    ),
)
def test_real_files_serve(path: Path, gsd: float, scale: Any) -> None:
    backend = FolderBackend(source(path, scale=scale))
    (scene,) = backend.scenes("ORT")
    assert scene.gsd == gsd
    centre = shapely.from_wkb(scene.geometry).centroid
    image = backend.cut(scene, tile_around(centre.x, centre.y, 120, 120, gsd), NO_OBJECTS)
    assert image.valid.all()
    assert image.rgb.std() > 3


def test_content_changes_with_a_name_or_a_pixel_and_not_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    samples = plain()
    write_raster(tmp_path / "one" / "a.tif", samples)
    shutil.copytree(tmp_path / "one", tmp_path / "two")  # the files' times are copied too
    before = content(source(tmp_path / "one"))
    assert content(source(tmp_path / "two")) == before
    samples[0, 0, 0] += 1
    write_raster(tmp_path / "two" / "a.tif", samples)
    assert content(source(tmp_path / "two")) != before
    (tmp_path / "one" / "a.tif").rename(tmp_path / "one" / "b.tif")
    assert content(source(tmp_path / "one")) != before


def test_a_picture_with_a_world_file_takes_its_crs_from_the_config_or_a_prj_file(
    tmp_path: Path,
) -> None:
    x, y = pyproj.Transformer.from_crs(4326, 25832, always_xy=True).transform(9, 47)
    pixels = np.random.default_rng(0).integers(40, 200, (300, 300, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    world = (0.5, 0, 0, -0.5, x - 75 + 0.25, y + 75 - 0.25)
    (tmp_path / "a.pgw").write_text("\n".join(map(str, world)))
    given = {"pattern": "*.png"}
    assert "a.png: does not say where" in refusal(source(tmp_path, **given))

    def middle(**fields: Any) -> Any:
        backend = FolderBackend(source(tmp_path, **given, **fields))
        (scene,) = backend.scenes("CH")
        assert scene.gsd == 0.5
        return backend.cut(scene, tile_around(9, 47, 100, 100, 0.5), NO_OBJECTS).rgb[50, 50]

    by_config = middle(crs="EPSG:25832")
    (tmp_path / "a.prj").write_text(pyproj.CRS(25832).to_wkt("WKT1_ESRI"))
    assert np.array_equal(middle(), by_config)
    assert np.abs(by_config.astype(int) - pixels[150, 150]).max() < 80


@pytest.mark.parametrize(
    ("name", "pattern", "right"),
    [
        ("dop_20190714_x.tif", "%Y%m%d", ("2019-07-14", "day")),
        ("dop_2019-07-14T1030_x.tif", "%Y-%m-%dT%H%M", ("2019-07-14T10:30", "minute")),
        ("a_3320_2010_315.tif", "_%Y_", ("2010-01-01", "year")),
        ("3320D_2010_315.tif", "%Y", ("2010-01-01", "year")),
        ("3320D_20_315.tif", "%Y", None),
    ],
)
def test_dates_stand_in_the_names_of_files(
    tmp_path: Path, name: str, pattern: str, right: tuple[str, str] | None
) -> None:
    write_raster(tmp_path / name, plain())
    config = source(tmp_path, acquired=None, acquired_name=pattern)
    if right is None:
        assert "3320 is no year in which an image was taken" in refusal(config)
        return
    (scene,) = FolderBackend(config).scenes("CH")
    assert scene.acquired == datetime.fromisoformat(right[0]).replace(tzinfo=UTC)
    assert scene.time_precision == right[1]


def test_dates_stand_in_a_table_beside_the_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.tif", "in/b.tif"):
        write_raster(tmp_path / name, plain())
    table = tmp_path / "times.csv"
    table.write_text("file,acquired\na.tif,2019-07-14\nin/b.tif,2020\n")
    config = source(tmp_path, acquired=None, acquired_table=table)
    first, second = FolderBackend(config).scenes("CH")
    assert (first.acquired.isoformat()[:10], second.acquired.year) == ("2019-07-14", 2020)
    before = content(config)
    table.write_text("file,acquired\na.tif,2019-07-14\nin/b.tif,2222\n")
    assert content(config) != before
    with pytest.raises(InputError, match=r"times\.csv, line 3: 2222 is no year"):
        FolderBackend(config)
    table.write_text("path,when\na.tif,2019\n")
    with pytest.raises(InputError, match=r"times\.csv: has no columns file and acquired"):
        FolderBackend(config)


@pytest.mark.parametrize("year", ["2222", "1899"])
def test_a_year_in_which_nobody_took_the_image_is_refused(tmp_path: Path, year: str) -> None:
    with pytest.raises(ValidationError, match=f"{year} is no year in which an image was taken"):
        source(tmp_path, acquired=int(year))
    tags = {"TIFFTAG_DATETIME": f"{year}:03:04 05:06:07"}
    write_raster(tmp_path / "a.tif", plain(), tags=tags)
    assert f"a.tif: {year} is no year" in refusal(source(tmp_path, acquired=None))


def test_of_a_large_file_only_the_head_is_read_to_know_it_again(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(bytes(1 << 20))
    first = content(source(tmp_path))
    stat = path.stat()
    with path.open("r+b") as file:
        file.seek(1 << 19)
        file.write(b"other")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert content(source(tmp_path)) == first  # with size, time and head as before
    path.touch()
    assert content(source(tmp_path)) != first
