"""Archives without a STAC API: static catalogues, tables of items, bare buckets."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyarrow import fs
from pydantic import ValidationError
from shapely.geometry import box

from image_sources import SOURCES
from pipeline.errors import InputError
from skyscript.backends.stac import bucket as buckets
from skyscript.backends.stac import catalogue as catalogues
from skyscript.backends.stac.config import StacSource
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box, tile_around
from skyscript.imagery.protocol import Scene
from stages.index import IndexConfig
from tests.emulators.static_catalogue import Bucket, catalogue, survey
from tests.skyscript.imagery.rasters import write_raster

HERE = (175.0, -40.0)
NEAR, FAR = (174.9, -40.1, 175.1, -39.9), (170.0, -45.0, 170.1, -44.9)
NOTHING = pa.table({})


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    with Bucket(tmp_path / "bucket") as running:
        yield running


def found(**fields: Any) -> list[Scene]:
    given = {"assets": ["visual"], **fields}
    return list(StacBackend(StacSource.model_validate(given)).search("OWN", [Box(*HERE, *HERE)]))


def new_zealand(bucket: Bucket) -> None:
    bucket.json |= survey("a", "palmerston_2020_0.1m", 2020, NEAR, {"BM34": NEAR, "BM35": FAR})
    bucket.json |= survey("a", "palmerston_1999_0.4m", 1999, NEAR, {"BM34": NEAR})
    bucket.json |= survey("b", "otago_2020_0.3m", 2020, FAR, {"CC14": FAR})
    bucket.json |= survey("a", "palmerston_2020_1m", 2020, NEAR, {"BM34": NEAR}, kind="dem")
    children = [f"./{name}" for name in bucket.json if name.endswith("collection.json")]
    bucket.json["catalog.json"] = catalogue("nz-imagery", children)


def test_a_static_catalogue_is_read_where_objects_lie(bucket: Bucket) -> None:
    new_zealand(bucket)
    scenes = found(
        catalogue=f"{bucket.url}/catalog.json",
        collection="*/rgb/*",
        years=(2010, 2026),
        gsd=0.1,
    )
    (scene,) = scenes
    assert scene.scene_id == "OWN/palmerston_2020_0.1m_BM34"
    assert scene.acquired.year == 2020
    assert scene.hrefs == (f"{bucket.url}/a/palmerston_2020_0.1m/rgb/2193/BM34.tiff",)
    # The root, three collections, and the two items of the one that is near and of these years.
    assert bucket.desk.count("json") == {200: 6}


def test_the_gsd_of_a_survey_may_stand_in_its_address(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    linz = SOURCES["NZ"].stac
    assert linz is not None
    new_zealand(bucket)
    monkeypatch.setattr(
        "skyscript.backends.stac.source.find_route",
        lambda *_: replace(linz, catalogue=f"{bucket.url}/catalog.json"),
    )
    gsds = {scene.name: scene.gsd for scene in found(catalogue="https://unused")}
    assert gsds == {"palmerston_2020_0.1m_BM34": 0.1, "palmerston_1999_0.4m_BM34": 0.4}


def test_catalogues_within_catalogues_loops_and_broken_items_are_survived(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    day = survey("x", "d", 2022, NEAR, {"one": NEAR, "two": FAR})
    items = {f"2022/07/{Path(name).name}": day[name] for name in day if "collection" not in name}
    bucket.json |= items | {"2022/07/broken.json": {"type": "Feature", "assets": {"visual": 3}}}
    names = [f"./{Path(name).name}" for name in bucket.json]
    bucket.json["2022/07/catalog.json"] = catalogue("july", ["../../catalog.json"], names)
    bucket.json["2022/catalog.json"] = catalogue("2022", ["./07/catalog.json"])
    bucket.json["catalog.json"] = catalogue("root", ["./2022/catalog.json", "file:///etc/passwd"])
    scenes = found(catalogue=f"{bucket.url}/catalog.json", gsd=1)
    assert [scene.name for scene in scenes] == ["d_one"]
    assert "OWN: 1 of 2 items are no STAC items" in caplog.text


def test_a_catalogue_whose_links_lead_ever_deeper_is_refused(bucket: Bucket) -> None:
    endless = catalogue("endless", ["./a/catalog.json"])
    bucket.json |= {f"{'a/' * depth}catalog.json": endless for depth in range(40)}
    with pytest.raises(InputError, match=r"lie more than 20 levels deep .* lead round and round"):
        found(catalogue=f"{bucket.url}/catalog.json", gsd=1)
    assert bucket.desk.count("json") == {200: 20}


def test_a_catalogue_too_large_to_read_asks_for_an_index(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_zealand(bucket)
    monkeypatch.setattr(catalogues, "MOST_FILES", 5)
    with pytest.raises(InputError, match=r"holds more than 5 files .* give an index of it as `it"):
        found(catalogue=f"{bucket.url}/catalog.json", gsd=1)


def test_a_catalogue_that_fails_now_and_then_is_read_and_a_missing_one_is_named(
    bucket: Bucket,
) -> None:
    new_zealand(bucket)
    bucket.desk.faults.planned.extend(["503", "500", "429"])
    assert len(found(catalogue=f"{bucket.url}/catalog.json", gsd=1)) == 3
    with pytest.raises(InputError, match=r"^OWN: .*/none.json cannot be searched \(.*404"):
        found(catalogue=f"{bucket.url}/none.json")


def earthview(path: Path, **columns: Any) -> str:
    """Write items as stac-geoparquet does: properties as columns, a box as a struct."""
    boxes = [NEAR, FAR, NEAR]
    table = {
        "id": ["near", "far", "restricted"],
        "geometry": [shapely.to_wkb(box(*bounds)) for bounds in boxes],
        "bbox": [
            dict(zip(("xmin", "ymin", "xmax", "ymax"), bounds, strict=True)) for bounds in boxes
        ],
        "assets": [
            {
                "visual": {"href": f"https://example.org/{n}.tif", "type": None},
                "thumbnail": {"href": "https://example.org/t.png"} if n else None,
            }
            for n in range(3)
        ],
        "datetime": pa.array([1_656_685_509_000_000] * 3, pa.timestamp("us", "UTC")),
        "gsd": [1.0, 1.0, 1.0],
        "license": ["CC-BY-4.0", "CC-BY-4.0", "CC-BY-NC-4.0"],
    }
    pq.write_table(pa.table(table | columns), path)
    return str(path)


def test_a_table_of_items_is_searched_by_place(bucket: Bucket, tmp_path: Path) -> None:
    address = earthview(tmp_path / "items.parquet")
    (scene,) = found(items=address)
    assert (scene.name, scene.gsd) == ("near", 1.0)
    assert scene.acquired.isoformat() == "2022-07-01T14:25:09+00:00"
    assert scene.hrefs == ("https://example.org/0.tif",)
    both = found(items=address, licences=["open", "non_commercial"])
    assert [scene.name for scene in both] == ["near", "restricted"]
    with pytest.raises(InputError, match=r"there is no such GeoParquet"):
        found(items=str(tmp_path / "none.parquet"))
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match=r"is no GeoParquet of STAC items: it has no column 'geom"):
        found(items=str(tmp_path / "other.parquet"))


def test_a_table_in_a_public_bucket_is_read_by_its_client(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bucket" / "public").mkdir(parents=True)
    earthview(tmp_path / "bucket" / "public" / "items.parquet")
    here = {"endpoint_override": bucket.url, "scheme": "http"}
    real = fs.S3FileSystem
    monkeypatch.setattr(fs, "S3FileSystem", lambda **fields: real(**fields, **here))
    monkeypatch.setattr(fs, "resolve_s3_region", lambda name: "us-west-2")
    (scene,) = found(items="s3://public/items.parquet")
    assert scene.name == "near"
    with pytest.raises(InputError, match=r"OWN: s3://public/none.parquet cannot be searched"):
        found(items="s3://public/none.parquet")


def vermont(bucket: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "bucket" / "Imagery"
    folder.mkdir(parents=True)
    pixels = np.full((3, 300, 300), 77, np.uint8)
    for name in ("2021-2022_30cm_4Band", "2023_30cm_3Band", "1974-1992_100cm_1Band"):
        write_raster(folder / f"STATEWIDE_{name}.tif", pixels, "EPSG:2193", HERE, 0.3, tiled=True)
    write_raster(folder / "STATEWIDE_2024_30cm_3Band.tif", pixels, "EPSG:2193", (170.0, -45.0), 0.3)
    (folder / "STATEWIDE_2025_30cm_3Band.tif").write_bytes(b"no raster")
    (folder / "STATEWIDE_readme.txt").write_text("read me")


VERMONT = {
    "prefixes": ["Imagery/STATEWIDE_"],
    "files": "*_[34]Band.tif",
    "acquired_name": "STATEWIDE_%Y",
}


def test_the_files_of_a_bucket_say_where_they_lie_and_their_names_when(
    bucket: Bucket, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vermont(bucket, tmp_path)
    bucket.page = 2
    scenes = found(bucket=bucket.url, **VERMONT)
    assert [(scene.name, scene.acquired.year) for scene in scenes] == [
        ("Imagery/STATEWIDE_2021-2022_30cm_4Band.tif", 2021),
        ("Imagery/STATEWIDE_2023_30cm_3Band.tif", 2023),
    ]
    assert {(scene.gsd, scene.time_precision) for scene in scenes} == {(0.3, "year")}
    assert bucket.desk.count("list") == {200: 3}
    assert "1 files are left out" in caplog.text and "STATEWIDE_2025" in caplog.text
    reader = StacBackend(StacSource.model_validate({"bucket": bucket.url, **VERMONT}))
    tile = tile_around(*HERE, 100, 80, 0.3)
    assert reader.cut(scenes[0], tile, NOTHING).rgb.min() == 77


def test_a_bucket_with_too_many_files_asks_for_longer_prefixes(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vermont(bucket, tmp_path)
    monkeypatch.setattr(buckets, "MOST_FILES", 3)
    with pytest.raises(InputError, match=r"lists more than 3 files, .* give longer `prefixes`"):
        found(bucket=bucket.url, **VERMONT | {"files": "*.tif"})


def test_an_archive_has_one_address_and_what_it_needs_beside_it() -> None:
    with pytest.raises(InputError, match=r"sources\.OWN: set one of api, bucket, not several"):
        found(api="https://a", bucket="https://b")
    with pytest.raises(InputError, match=r"sources\.OWN: .* set acquired_name"):
        found(bucket="https://b")


def test_a_non_commercial_source_is_refused_unless_the_config_asks_for_it() -> None:
    def config(**fields: Any) -> IndexConfig:
        return IndexConfig.model_validate({"sources": {"MAX": {"backend": "stac", **fields}}})

    with pytest.raises(ValidationError, match=r"licence of MAX \(CC BY-NC 4.0\) .* set its licenc"):
        config()
    assert config(licences=["open", "non_commercial"]).sources
    assert config(catalogue="https://example.org/own.json", assets=["visual"]).sources
    with pytest.raises(ValidationError, match=r"licences"):
        config(licences=[])


def test_the_catalogue_heads_are_json_as_published(bucket: Bucket) -> None:
    new_zealand(bucket)
    for name in bucket.names():
        content = bucket.content(name)
        assert content is not None and json.loads(content)["stac_version"] == "1.0.0"
