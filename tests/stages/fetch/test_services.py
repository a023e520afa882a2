"""Tiles from a service: faults, quotas, what is asked for again and what is not."""

import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from PIL import Image
from shapely.geometry import box, mapping

from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.backends.earth_engine import account
from skyscript.backends.folder import FolderBackend
from skyscript.backends.service import retry as attempts
from skyscript.geo.tile import mercator_scale, tile_around, to_degrees, to_mercator
from skyscript.imagery.protocol import Scene, TileImage
from stages import tables
from stages.fetch import FetchConfig, fetch
from stages.index import IndexConfig, index
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine
from tests.emulators.faults import Faults
from tests.emulators.stac import StacArchive, item
from tests.emulators.world import mercator_image, naip, noise
from tests.skyscript.imagery.rasters import write_raster

HERE = (-83.0, 40.0)
NO_OBJECTS = ds.dataset(tables.OBJECTS.schema.empty_table())
SIDE = 64


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.01)


@pytest.fixture
def earth() -> Iterator[EarthEngine]:
    with EarthEngine(naip(HERE, 2)) as running:
        yield running


def source(earth: EarthEngine, folder: Path, **fields: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "backend": "earth_engine",
        "project": PROJECT,
        "service_account": key_file(folder / "key.json", earth.url),
        "endpoint": earth.url,
        "a_second": 1000,
        "at_once": 8,
    } | fields


def tiles(count: int, *scene_ids: str) -> pa.Table:
    """Give tiles a few metres apart."""
    rows = []
    x, y = to_mercator(*HERE)
    pixel = 0.6 * mercator_scale(HERE[1])
    for number in range(count):
        place = to_degrees(x + number % 60 * 10 * pixel, y + number // 60 * 10 * pixel)
        cut = tile_around(*place, SIDE, SIDE, 0.6)
        candidate = {"others": None, "gsd": 0.6, "width": SIDE, "height": SIDE, **cut.box._asdict()}
        rows.append(
            {
                "object_id": f"n{number}",
                "part": 2 + number % 6,
                "centred": True,
                "candidates": [
                    candidate | {"scene_id": name, "source": name.partition("/")[0]}
                    for name in scene_ids
                ],
                "status": "ok",
                "reason": None,
            }
        )
    return pa.Table.from_pylist(rows, schema=tables.TILES.schema)


def focus() -> ds.Dataset:
    west, south, east, north = tile_around(*HERE, SIDE, SIDE, 0.6).box
    row = {
        "object_id": "n0",
        "kind": "n",
        "osm_id": 0,
        **{"west": west, "south": south, "east": east, "north": north},
        "tags": [],
        "chosen_by": "all",
    }
    return ds.dataset(pa.Table.from_pylist([row], schema=tables.FOCUS.schema))


def fetched(
    sources: dict[str, Any], given: pa.Table, root: Path, **config: Any
) -> list[dict[str, Any]]:
    indexing = IndexConfig.model_validate({"sources": sources})
    scenes = ds.dataset(pa.concat_tables(index(focus(), config=indexing, root=root)))
    settings = FetchConfig.model_validate({"sources": sources} | config)
    table = fetch(given, scenes, NO_OBJECTS, config=settings, shard=Shard(3, root))
    return list(conform(table, tables.IMAGES, where="fetch").to_pylist())


def images(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.glob("images*/*.jpg")}


def test_one_request_a_tile_and_the_services_own_jpegs(earth: EarthEngine, tmp_path: Path) -> None:
    sources = {"US": source(earth, tmp_path)}
    rows = fetched(sources, tiles(40, "US/m_0_20140613"), tmp_path)
    assert {row["status"] for row in rows} == {"ok"}
    assert [row["object_id"] for row in rows] == [f"n{number}" for number in range(40)]
    assert earth.desk.count("getPixels") == {200: 40}
    assert rows[0]["filepath"] == "images2/n0_US_14.jpg"
    assert {content_id(data) for data in images(tmp_path).values()} == earth.sent


def test_a_fifth_of_the_requests_failing_changes_nothing_but_the_requests(
    earth: EarthEngine, tmp_path: Path
) -> None:
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


def test_only_what_failed_is_asked_for_again(
    earth: EarthEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {"US": source(earth, tmp_path)}
    given = tiles(60, "US/m_0_20140613", "US/m_1_20160613")
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    earth.faults.share, earth.faults.kinds = 0.3, ("503", "cut", "429")
    first = fetched(sources, given, tmp_path / "run")
    failed = [row for row in first if row["status"] == "failed"]
    assert 5 < len(failed) < 40
    assert {row["reason"] for row in failed} == {
        "Earth Engine failed (503), 1 times",
        "Earth Engine is busy (429), 1 times",
        "the connection to Earth Engine broke, 1 times",
    }
    assert {row["scene_id"] for row in first if row["status"] == "ok"} == {"US/m_0_20140613"}

    earth.faults.share = 0
    asked = len(earth.asked)
    second = fetched(sources, given, tmp_path / "run")
    assert {row["status"] for row in second} == {"ok"}
    assert len(earth.asked) - asked == len(failed)
    assert {row["error"] for row in failed} == {"down", "busy", "connection"}
    assert second == fetched(sources, given, tmp_path / "undisturbed")


def test_a_lost_or_changed_image_is_asked_for_again(earth: EarthEngine, tmp_path: Path) -> None:
    given, sources = tiles(6, "US/m_0_20140613"), {"US": source(earth, tmp_path)}
    first = fetched(sources, given, tmp_path)
    whole = images(tmp_path)
    (tmp_path / first[0]["filepath"]).unlink()
    (tmp_path / first[1]["filepath"]).write_bytes(b"other")
    asked = len(earth.asked)
    assert fetched(sources, given, tmp_path) == first
    assert len(earth.asked) - asked == 2
    assert images(tmp_path) == whole


def test_a_ledger_line_that_was_cut_off_is_passed_over(earth: EarthEngine, tmp_path: Path) -> None:
    given, sources = tiles(6, "US/m_0_20140613"), {"US": source(earth, tmp_path)}
    first = fetched(sources, given, tmp_path)
    ledger = tmp_path / "_ledger" / "00003.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-30])
    asked = len(earth.asked)
    for _ in range(2):
        assert fetched(sources, given, tmp_path) == first
    assert len(earth.asked) - asked == 1


def test_other_settings_ask_again(earth: EarthEngine, tmp_path: Path) -> None:
    given, sources = tiles(6, "US/m_0_20140613"), {"US": source(earth, tmp_path)}
    fetched(sources, given, tmp_path)
    fetched(sources, given, tmp_path, max_nodata=0.5)
    assert earth.desk.count("getPixels") == {200: 12}


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


def test_other_limits_ask_only_for_tiles_whose_images_no_longer_pass(
    earth: EarthEngine, tmp_path: Path
) -> None:
    sources, given = {"US": source(earth, tmp_path)}, tiles(5, "US/m_0_20140613")
    first = fetched(sources, given, tmp_path)
    sharpness = sorted(row["sharpness"] for row in first)
    assert fetched(sources, given, tmp_path, min_sharpness=sharpness[0] / 2) == first
    assert earth.desk.count("getPixels") == {200: 5}
    rows = fetched(sources, given, tmp_path, min_sharpness=sharpness[2])
    assert sum(row["status"] == "ok" for row in rows) == 3
    assert earth.desk.count("getPixels") == {200: 7}
    assert fetched(sources, given, tmp_path, min_sharpness=sharpness[2]) == rows
    assert earth.desk.count("getPixels") == {200: 7}
    assert fetched(sources, given, tmp_path) == first


def test_a_journal_of_before_the_gate_serves_and_gets_its_figures(
    earth: EarthEngine, tmp_path: Path
) -> None:
    sources, given = {"US": source(earth, tmp_path)}, tiles(3, "US/m_0_20140613")
    first = fetched(sources, given, tmp_path)
    ledger = tmp_path / "_ledger" / "00003.jsonl"
    entries = [json.loads(line) for line in ledger.read_text().splitlines() if line]
    for entry in entries:
        del entry["check"]  # lines of that time have none
        for name in ("blank_share", "cloud_share", "haze", "sharpness"):
            del entry["row"][name]
    ledger.write_text("\n".join(map(json.dumps, entries)))
    assert fetched(sources, given, tmp_path) == first
    assert earth.desk.count("getPixels") == {200: 3}


def test_that_there_is_no_image_is_kept_until_there_is_another_to_try(tmp_path: Path) -> None:
    with EarthEngine(naip(HERE, 2)) as earth:
        earth.collections["USDA/NAIP/DOQQ"][0].valid = np.zeros((1500, 1500), bool)
        earth.collections["USDA/NAIP/DOQQ"][0].__post_init__()
        sources = {"US": source(earth, tmp_path)}
        for _ in range(2):
            rows = fetched(sources, tiles(3, "US/m_0_20140613"), tmp_path)
            assert {(row["status"], row["error"]) for row in rows} == {("filtered", "no_imagery")}
        assert earth.desk.count("getPixels") == {200: 3}
        rows = fetched(sources, tiles(3, "US/m_0_20140613", "US/m_1_20160613"), tmp_path)
        assert {(row["status"], row["error"]) for row in rows} == {("ok", None)}


def test_a_weight_or_a_further_image_asks_for_nothing_again(
    earth: EarthEngine, tmp_path: Path
) -> None:
    first = fetched({"US": source(earth, tmp_path)}, tiles(5, "US/m_0_20140613"), tmp_path)
    asked = len(earth.asked)
    more = tiles(5, "US/m_0_20140613", "US/m_1_20160613")
    other = {"US": source(earth, tmp_path, weight=7, max_cloud=50, per_place=9, at_once=3)}
    assert fetched(other, more, tmp_path) == first
    assert len(earth.asked) == asked


def test_what_became_of_a_tile_stands_in_the_ledger_with_what_it_took(
    earth: EarthEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 3)
    earth.faults.share, earth.faults.kinds = 1.0, ("503",)
    (row,) = fetched({"US": source(earth, tmp_path)}, tiles(1, "US/m_0_20140613"), tmp_path)
    assert (row["status"], row["error"]) == ("failed", "down")
    entry = json.loads((tmp_path / "_ledger" / "00003.jsonl").read_text())
    assert (entry["attempts"], entry["http"]) == (3, 503)
    assert entry["row"]["reason"] == "Earth Engine failed (503), 3 times"


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
