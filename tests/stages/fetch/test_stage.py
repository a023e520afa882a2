"""Tiles become image files."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import rasterio
import shapely
from PIL import Image

from pipeline.atomic import content_id
from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.geo.tile import Box, tile_around
from stages import tables
from stages.fetch import FETCH, FetchConfig, fetch
from stages.index import IndexConfig, index
from tests.skyscript.imagery.rasters import write_raster

pytestmark = pytest.mark.slow


HERE = (9.0, 47.0)
NO_FOCUS = ds.dataset(tables.FOCUS.schema.empty_table())
NO_OBJECTS = ds.dataset(tables.OBJECTS.schema.empty_table())


def noise(seed: int = 0, size: int = 400) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(50, 200, (3, size, size), np.uint8)


def folder(path: Path, **fields: Any) -> dict[str, Any]:
    return {"backend": "folder", "path": path, "acquired": 2019} | fields


def tile(object_id: str, *scene_ids: str, size: int = 120, **fields: Any) -> dict[str, Any]:
    cut = tile_around(*HERE, size, size, 0.5)
    candidate = {"others": None, "gsd": 0.5, "width": size, "height": size, **cut.box._asdict()}
    return {
        "object_id": object_id,
        "part": 3,
        "centred": True,
        "candidates": [
            candidate | {"scene_id": name, "source": name.partition("/")[0]} for name in scene_ids
        ],
        "status": "ok",
        "reason": None,
    } | fields


def fetched(
    rows: list[dict[str, Any]],
    sources: dict[str, Any],
    root: Path,
    objects: ds.Dataset = NO_OBJECTS,
    **config: Any,
) -> list[dict[str, Any]]:
    indexing = IndexConfig.model_validate({"sources": sources})
    scenes = ds.dataset(pa.concat_tables(index(NO_FOCUS, config=indexing, root=root)))
    table = fetch(
        pa.Table.from_pylist(rows, schema=tables.TILES.schema),
        scenes,
        objects,
        config=FetchConfig.model_validate({"sources": sources} | config),
        shard=Shard(0, root),
    )
    return list(conform(table, tables.IMAGES, where="fetch").to_pylist())


def test_a_tile_becomes_a_jpeg_with_the_published_name_and_a_full_row(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", noise())
    root = tmp_path / "run"
    given = tile("a198234555", "CH/a.tif")
    (row,) = fetched([given], {"CH": folder(tmp_path / "a.tif")}, root)

    assert row["filepath"] == "images3/a198234555_CH_19.jpg"
    data = (root / row["filepath"]).read_bytes()
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (120, 120))
    assert "progressive" not in image.info
    assert row["byte_size"] == len(data)
    assert row["content_hash"] == content_id(data)
    assert (row["width"], row["height"], row["gsd"], row["nodata_share"]) == (120, 120, 0.5, 0)
    assert {side: row[side] for side in Box._fields} == {
        side: given["candidates"][0][side] for side in Box._fields
    }
    assert (row["scene_id"], row["source"], row["time_precision"]) == ("CH/a.tif", "CH", "year")
    assert row["acquired"].year == 2019


def test_a_scene_that_shows_too_little_gives_way_to_the_next(tmp_path: Path) -> None:
    holed = noise()
    holed[:, :, :200] = 0
    write_raster(tmp_path / "holed.tif", holed, nodata=0)
    write_raster(tmp_path / "whole.tif", noise(1))
    sources = {
        "CH": folder(tmp_path / "holed.tif"),
        "US": folder(tmp_path / "whole.tif", acquired=2021),
    }
    given = tile("n1", "CH/holed.tif", "US/whole.tif")

    (row,) = fetched([given], sources, tmp_path)
    assert row["filepath"] == "images3/n1_US_21.jpg"

    (row,) = fetched([given], sources, tmp_path, max_nodata=0.6)
    assert row["filepath"] == "images3/n1_CH_19.jpg"
    assert row["nodata_share"] == pytest.approx(0.5, abs=0.05)


def test_an_object_that_no_scene_shows_is_filtered_for_good(tmp_path: Path) -> None:
    write_raster(tmp_path / "empty.tif", np.zeros((3, 400, 400), np.uint8), nodata=0)
    given = tile("n1", "CH/empty.tif")
    (row,) = fetched([given], {"CH": folder(tmp_path / "empty.tif")}, tmp_path)
    assert (row["status"], row["filepath"]) == ("filtered", None)
    assert row["reason"] == "no image with at most 0.05 of the tile without data"
    assert not list(tmp_path.glob("images*"))


def test_a_scene_that_cannot_be_read_may_be_tried_again(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise(), tiled=True, blockxsize=128, blockysize=128)
    sources = {"CH": folder(path)}
    indexing = IndexConfig.model_validate({"sources": sources})
    scenes = ds.dataset(pa.concat_tables(index(NO_FOCUS, config=indexing, root=tmp_path)))
    whole = path.read_bytes()
    path.write_bytes(whole[:100_000])
    arguments = (pa.Table.from_pylist([tile("n1", "CH/a.tif")], tables.TILES.schema), scenes)
    settings: dict[str, Any] = {
        "config": FetchConfig.model_validate({"sources": sources}),
        "shard": Shard(0, tmp_path),
    }

    (row,) = fetch(*arguments, NO_OBJECTS, **settings).to_pylist()
    assert (row["status"], row["reason"]) == ("failed", "CH/a.tif cannot be read")

    path.write_bytes(whole)
    (row,) = fetch(*arguments, NO_OBJECTS, **settings).to_pylist()
    assert row["status"] == "ok"


def test_a_file_that_cannot_be_read_does_not_give_way_to_another_scene(tmp_path: Path) -> None:
    write_raster(tmp_path / "broken.tif", noise())
    write_raster(tmp_path / "whole.tif", noise(1))
    sources = {
        "CH": folder(tmp_path / "broken.tif"),
        "US": folder(tmp_path / "whole.tif", acquired=2021),
    }
    indexing = IndexConfig.model_validate({"sources": sources})
    scenes = ds.dataset(pa.concat_tables(index(NO_FOCUS, config=indexing, root=tmp_path)))
    given = [tile("n1", "CH/broken.tif", "US/whole.tif"), tile("n2", "US/whole.tif")]
    whole = (tmp_path / "broken.tif").read_bytes()

    def statuses() -> list[tuple[str, str | None, str | None]]:
        table = fetch(
            pa.Table.from_pylist(given, tables.TILES.schema),
            scenes,
            NO_OBJECTS,
            config=FetchConfig.model_validate({"sources": sources}),
            shard=Shard(0, tmp_path),
        )
        return [(row["status"], row["source"], row["error"]) for row in table.to_pylist()]

    (tmp_path / "broken.tif").unlink()
    assert statuses() == [("failed", None, "unreadable"), ("ok", "US", None)]
    (tmp_path / "broken.tif").write_bytes(whole)
    assert statuses() == [("ok", "CH", None), ("ok", "US", None)]


def test_rows_that_were_not_planned_pass_with_their_reason(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", noise())
    rows = [
        tile("n1", "CH/a.tif"),
        tile("n2", status="filtered", reason="no source is sharp enough"),
        tile("n3", "CH/a.tif"),
    ]
    got = fetched(rows, {"CH": folder(tmp_path / "a.tif")}, tmp_path)
    assert [(row["object_id"], row["status"], row["reason"]) for row in got] == [
        ("n1", "ok", None),
        ("n2", "filtered", "no source is sharp enough"),
        ("n3", "ok", None),
    ]


def test_the_same_tile_gives_the_same_bytes(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", noise(), "EPSG:2056", HERE)
    sources = {"CH": folder(tmp_path / "a.tif")}
    rows = [tile(f"n{number}", "CH/a.tif", size=100 + number) for number in range(5)]
    first = fetched(rows, sources, tmp_path / "one")
    assert fetched(rows[::-1], sources, tmp_path / "two")[::-1] == first


def test_a_simulated_source_draws_the_objects_in_the_tile(tmp_path: Path) -> None:
    middle = tile_around(*HERE, 30, 30, 0.5).box
    pool = {
        "object_id": "a7",
        "kind": "a",
        "osm_id": 7,
        "geometry": shapely.to_wkb(shapely.box(*middle)),
        **middle._asdict(),
        "tags": [("leisure", "swimming_pool")],
        "geom_rule": "test",
        "status": "ok",
    }
    objects = ds.dataset(pa.Table.from_pylist([pool], schema=tables.OBJECTS.schema))
    sources = {"SIM": {"backend": "simulated", "gsd": [0.5], "year": 2024}}
    indexing = IndexConfig.model_validate({"sources": sources})
    scene_id = next(index(NO_FOCUS, config=indexing, root=tmp_path)).column("scene_id")[0].as_py()
    rows = [tile("n1", scene_id)]

    def middle_of(objects: ds.Dataset, root: Path) -> tuple[float, float, float]:
        (row,) = fetched(rows, sources, root, objects)
        assert row["filepath"] == "images3/n1_SIM_24.jpg"
        pixels = np.asarray(Image.open(root / row["filepath"]))[50:70, 50:70]
        red, green, blue = pixels.mean(axis=(0, 1)).tolist()
        return red, green, blue

    with_pool, without = (
        middle_of(objects, tmp_path / "with"),
        middle_of(NO_OBJECTS, tmp_path / "without"),
    )
    assert with_pool[2] - with_pool[0] > without[2] - without[0] + 30


def test_the_stage_owns_its_images_and_knows_their_size_and_content() -> None:
    images = "images[2-7]/[nwar]*_[0-9][0-9].jpg"
    assert FETCH.owns == (
        (images, "filepath", "byte_size", "content_hash", "tar"),
        ("image_tars/[0-9]*.tar", "tar", "tar_size", "tar_hash", None),
    )


def test_what_does_not_touch_a_tile_does_not_cut_it_again(tmp_path: Path, cuts: list[str]) -> None:
    images = tmp_path / "images"
    images.mkdir()
    write_raster(images / "a.tif", noise())
    rows = [tile(f"n{number}", "CH/a.tif") for number in range(4)]
    first = fetched(rows, {"CH": folder(images)}, tmp_path)
    assert cuts == ["a.tif"] * 4

    write_raster(images / "b.tif", noise(1))
    more = [tile(f"n{number}", "CH/a.tif", "CH/b.tif") for number in range(4)]
    assert fetched(more, {"CH": folder(images, weight=3)}, tmp_path) == first
    assert len(cuts) == 4

    (tmp_path / first[0]["filepath"]).write_bytes(b"")
    write_raster(images / "a.tif", noise(2))
    assert fetched(more, {"CH": folder(images)}, tmp_path) != first
    assert fetched(more[:1], {"CH": folder(images, resample="cubic")}, tmp_path)[0] not in first
    assert len(cuts) == 9


def test_a_lost_or_cut_image_of_a_file_is_cut_again(tmp_path: Path, cuts: list[str]) -> None:
    write_raster(tmp_path / "a.tif", noise())
    rows = [tile(f"n{number}", "CH/a.tif") for number in range(3)]
    sources = {"CH": folder(tmp_path / "a.tif")}
    first = fetched(rows, sources, tmp_path)
    (tmp_path / first[0]["filepath"]).unlink()
    (tmp_path / first[1]["filepath"]).write_bytes(b"")
    assert fetched(rows, sources, tmp_path) == first
    assert len(cuts) == 5


def test_tiles_on_the_files_own_grid_are_its_own_pixels(tmp_path: Path) -> None:
    samples = noise()
    path = write_raster(tmp_path / "a.tif", samples, "EPSG:2056", (8.5, 47.4))
    place = tile_around(8.5, 47.4, 120, 120, 0.5)
    given = tile("n1", "CH/a.tif", size=120)
    given["candidates"][0] |= place.box._asdict()

    (row,) = fetched([given], {"CH": folder(path, grid="native")}, tmp_path, jpeg_quality=100)

    assert row["crs"] == "EPSG:2056"
    a, b, west, d, e, north = row["transform"]
    assert (a, b, d, e) == (0.5, 0, 0, -0.5)
    with rasterio.open(path) as file:
        left = round((west - file.transform.c) / 0.5)
        top = round((file.transform.f - north) / 0.5)
    assert 120 < row["width"] < 130 and 120 < row["height"] < 130
    wanted = samples[:, top : top + row["height"], left : left + row["width"]].transpose(1, 2, 0)
    got = np.asarray(Image.open(tmp_path / row["filepath"]))
    # The JPEG alone makes a difference: it halves the resolution of colours.
    buffer = io.BytesIO()
    Image.fromarray(wanted).save(buffer, "JPEG", quality=100)
    assert np.array_equal(got, np.asarray(Image.open(buffer)))
