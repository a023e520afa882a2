"""Tiles from a service: faults, accounts that end, and scenes that give way to the next."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from PIL import Image
from shapely.geometry import box, mapping

from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.stage import Shard
from skyscript.backends.earth_engine import account
from skyscript.backends.folder import FolderBackend
from skyscript.backends.service import retry as attempts
from skyscript.imagery.protocol import Scene, TileImage
from stages import tables
from stages.fetch import FetchConfig, fetch
from stages.index import IndexConfig, index
from tests.emulators.earth_engine import EarthEngine
from tests.emulators.faults import Faults
from tests.emulators.stac import StacArchive, item
from tests.emulators.world import mercator_image, naip, noise
from tests.skyscript.imagery.rasters import write_raster
from tests.stages.fetch.conftest import (
    HERE,
    NO_OBJECTS,
    SIDE,
    fetched,
    focus,
    images,
    source,
    tiles,
)

pytestmark = pytest.mark.slow


def test_one_request_a_tile_and_the_services_own_jpegs(earth: EarthEngine, tmp_path: Path) -> None:
    sources = {"US": source(earth, tmp_path)}
    rows = fetched(sources, tiles(40, "US/m_0_20140613"), tmp_path)
    assert {row["status"] for row in rows} == {"ok"}
    assert [row["object_id"] for row in rows] == [f"n{number}" for number in range(40)]
    assert earth.desk.count("getPixels") == {200: 40}
    assert rows[0]["filepath"] == "images2/n0_US_14.jpg"
    assert {content_id(data) for data in images(tmp_path).values()} == earth.sent


def test_a_fifth_of_the_requests_failing_changes_nothing_but_the_requests(
    earth: EarthEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With the six attempts of a run, one of 50 times some tile fails six times in a row.
    monkeypatch.setattr(attempts, "ATTEMPTS", 14)
    given, sources = tiles(150, "US/m_0_20140613"), {"US": source(earth, tmp_path)}
    undisturbed = fetched(sources, given, tmp_path / "one")
    earth.faults.share = 0.2
    troubled = fetched(sources, given, tmp_path / "two")
    assert troubled == undisturbed
    assert images(tmp_path / "two") == images(tmp_path / "one")
    assert len(images(tmp_path / "two")) == 150
    with EarthEngine(naip(HERE, 2), faults=Faults(share=0.2, seed=1)) as other:
        again = fetched({"US": source(other, tmp_path)}, given, tmp_path / "three")
    assert again == undisturbed


def test_masked_images_give_way_to_the_next_and_then_to_none(tmp_path: Path) -> None:
    masked = np.zeros((1500, 1500), bool)
    with EarthEngine(naip(HERE, 2)) as earth:
        empty, whole = earth.collections["USDA/NAIP/DOQQ"]
        empty.valid = masked
        empty.__post_init__()
        sources = {"US": source(earth, tmp_path)}
        (row,) = fetched(sources, tiles(1, "US/m_0_20140613", "US/m_1_20160613"), tmp_path)
        assert (row["status"], row["scene_id"]) == ("ok", "US/m_1_20160613")
        (row,) = fetched(sources, tiles(1, "US/m_0_20140613"), tmp_path / "none")
        assert row["status"] == "filtered"
        assert row["reason"] == "no image with at most 0.05 of the tile without data"
        assert whole.valid is None


def test_masked_pixels_that_come_as_black_are_no_image(tmp_path: Path) -> None:
    with EarthEngine(naip(HERE, 2)) as earth:
        earth.masked_as_black = True
        earth.collections["USDA/NAIP/DOQQ"][0].valid = np.zeros((1500, 1500), bool)
        earth.collections["USDA/NAIP/DOQQ"][0].__post_init__()
        sources = {"US": source(earth, tmp_path)}
        rows = fetched(sources, tiles(3, "US/m_0_20140613", "US/m_1_20160613"), tmp_path)
        assert {(row["status"], row["scene_id"]) for row in rows} == {("ok", "US/m_1_20160613")}
        (row,) = fetched(sources, tiles(1, "US/m_0_20140613"), tmp_path / "none")
        assert (row["status"], row["error"]) == ("filtered", "blank")
        assert row["reason"] == "black, white or one colour fills 1 of the tile"


def test_an_asset_that_is_gone_is_recorded_for_good(earth: EarthEngine, tmp_path: Path) -> None:
    sources = {"US": source(earth, tmp_path)}
    indexing = IndexConfig.model_validate({"sources": sources})
    scenes = ds.dataset(pa.concat_tables(index(focus(), config=indexing, root=tmp_path)))
    del earth.images["USDA/NAIP/DOQQ/m_0_20140613"]
    settings = FetchConfig.model_validate({"sources": sources})
    table = fetch(
        tiles(3, "US/m_0_20140613"), scenes, NO_OBJECTS, config=settings, shard=Shard(0, tmp_path)
    )
    assert Counter(table.column("status").to_pylist()) == {"filtered": 3}
    assert table.column("reason")[0].as_py() == (
        "Earth Engine answered 404: Asset 'USDA/NAIP/DOQQ/m_0_20140613' not found"
    )


@pytest.mark.parametrize(
    ("fault", "error"), [("timeout", "too_heavy"), ("memory", "too_heavy"), ("503", "down")]
)
def test_a_request_that_may_work_later_does_not_give_way_to_another_scene(
    earth: EarthEngine, tmp_path: Path, fault: str, error: str
) -> None:
    given, sources = tiles(1, "US/m_0_20140613", "US/m_1_20160613"), {"US": source(earth, tmp_path)}
    earth.faults.share, earth.faults.kinds = 1.0, (fault,)
    (row,) = fetched(sources, given, tmp_path)
    assert (row["status"], row["error"], row["scene_id"]) == ("failed", error, None)
    earth.faults.share = 0
    (row,) = fetched(sources, given, tmp_path)
    assert (row["status"], row["scene_id"]) == ("ok", "US/m_0_20140613")


def test_an_asset_that_is_gone_gives_way_to_the_next_scene(
    earth: EarthEngine, tmp_path: Path
) -> None:
    sources = {"US": source(earth, tmp_path)}
    indexing = IndexConfig.model_validate({"sources": sources})
    scenes = ds.dataset(pa.concat_tables(index(focus(), config=indexing, root=tmp_path)))
    del earth.images["USDA/NAIP/DOQQ/m_0_20140613"]
    given = tiles(1, "US/m_0_20140613", "US/m_1_20160613")
    settings = FetchConfig.model_validate({"sources": sources})
    table = fetch(given, scenes, NO_OBJECTS, config=settings, shard=Shard(0, tmp_path))
    assert table.column("scene_id").to_pylist() == ["US/m_1_20160613"]


def test_an_account_that_ends_stops_the_run_at_once(earth: EarthEngine, tmp_path: Path) -> None:
    sources = {"US": source(earth, tmp_path)}
    fetched(sources, tiles(2, "US/m_0_20140613"), tmp_path)
    earth.tokens.clear()
    earth.revoked = True
    with pytest.raises(InputError, match="earthengine authenticate"):
        fetched(sources, tiles(200, "US/m_1_20160613"), tmp_path)
    assert len(earth.desk.calls) < 60


def test_an_account_that_is_refused_signs_in_once_before_any_tile(
    earth: EarthEngine, tmp_path: Path
) -> None:
    sources = {"US": source(earth, tmp_path)}
    indexing = IndexConfig.model_validate({"sources": sources})
    scenes = ds.dataset(pa.concat_tables(index(focus(), config=indexing, root=tmp_path)))
    account._connect.cache_clear()  # another process fetches
    earth.tokens.clear()
    earth.revoked = True
    begun = sum(earth.desk.count("token").values())
    settings = FetchConfig.model_validate({"sources": sources})
    with pytest.raises(InputError, match="earthengine authenticate"):
        fetch(
            tiles(200, "US/m_1_20160613"),
            scenes,
            NO_OBJECTS,
            config=settings,
            shard=Shard(0, tmp_path),
        )
    assert sum(earth.desk.count("token").values()) - begun == 1
    assert earth.desk.count("getPixels") == {}


def test_after_a_fatal_error_no_other_tile_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_raster(tmp_path / "a.tif", noise(0, 300, 300).transpose(2, 0, 1), "EPSG:3857", HERE, 0.8)
    sources = {"OWN": {"backend": "folder", "path": tmp_path / "a.tif", "acquired": 2019}}
    begun: list[str] = []

    def fails(self: FolderBackend, scene: Scene, *_: object) -> TileImage:
        begun.append(scene.name)
        raise InputError("nothing can work")

    monkeypatch.setattr(FolderBackend, "cut", fails)
    with pytest.raises(InputError, match="nothing can work"):
        fetched(sources, tiles(200, "OWN/a.tif"), tmp_path)
    assert len(begun) == 1


def test_files_and_services_stand_in_for_one_another(earth: EarthEngine, tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", noise(0, 300, 300).transpose(2, 0, 1), "EPSG:3857", HERE, 0.8)
    sources = {
        "US": source(earth, tmp_path),
        "OWN": {"backend": "folder", "path": tmp_path / "a.tif", "acquired": 2019},
    }
    earth.collections["USDA/NAIP/DOQQ"][0].valid = np.zeros((1500, 1500), bool)
    earth.collections["USDA/NAIP/DOQQ"][0].__post_init__()
    rows = fetched(sources, tiles(5, "US/m_0_20140613", "OWN/a.tif"), tmp_path)
    assert {row["source"] for row in rows} == {"OWN"}


def test_the_service_puts_a_tile_across_two_images_together(tmp_path: Path) -> None:
    name = "USDA/NAIP/DOQQ"
    west, east = np.zeros((1500, 1500), bool), np.zeros((1500, 1500), bool)
    west[:, :760], east[:, 740:] = True, True
    halves = [
        mercator_image(f"{name}/{side}", HERE, np.full((1500, 1500, 3), grey, np.uint8), valid=mask)
        for side, grey, mask in (("w", 60, west), ("e", 180, east))
    ]
    with EarthEngine({name: halves}) as earth:
        given = tiles(1, "US/w").to_pylist()
        given[0]["candidates"][0]["others"] = ["US/e"]
        table = pa.Table.from_pylist(given, schema=tables.TILES.schema)
        (row,) = fetched({"US": source(earth, tmp_path)}, table, tmp_path)
        assert earth.desk.count("computePixels") == {200: 1}
        assert earth.desk.count("getPixels") == {}
    assert (row["status"], row["scene_id"], row["others"]) == ("ok", "US/w", ["US/e"])
    data = (tmp_path / row["filepath"]).read_bytes()
    assert content_id(data) in earth.sent
    grey = np.asarray(Image.open(io.BytesIO(data)))[..., 0].mean(axis=0)
    assert grey[: SIDE // 2 + 8] == pytest.approx(60, abs=6)  # the first one is on top
    assert grey[SIDE // 2 + 12 :] == pytest.approx(180, abs=6)


def test_tiles_from_an_archive_of_files_come_by_the_same_way(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", noise(0, 900, 900).transpose(2, 0, 1), "EPSG:3857", HERE, 0.8)
    around = mapping(box(-83.1, 39.9, -82.9, 40.1))
    items = [item("a", "", around, "2019-05-01T00:00:00Z")]
    with StacArchive({"images": items}, tmp_path) as archive:
        items[0]["assets"]["visual"]["href"] = f"{archive.url}/files/a.tif"
        block = {
            "backend": "stac",
            "api": archive.url,
            "collection": "images",
            "assets": ["visual"],
            "gsd": 0.6,
        }
        first = fetched({"OAM": block}, tiles(30, "OAM/a"), tmp_path / "one")
        assert Counter(row["status"] for row in first) == {"ok": 30}
        assert first[0]["filepath"] == "images2/n0_OAM_19.jpg"
        assert fetched({"OAM": block}, tiles(30, "OAM/a"), tmp_path / "two") == first
        assert images(tmp_path / "two") == images(tmp_path / "one")
