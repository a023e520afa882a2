"""Tiles to fetch from an emulated Earth Engine, retries that do not wait, a list of cuts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.backends.folder import FolderBackend
from skyscript.backends.service import retry as attempts
from skyscript.geo.tile import mercator_scale, tile_around, to_degrees, to_mercator
from skyscript.imagery.protocol import Scene
from stages import tables
from stages.fetch import FetchConfig, fetch
from stages.index import IndexConfig, index
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine
from tests.emulators.world import naip
from tests.stages.focus import focus_at

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
    return focus_at(*HERE, SIDE, 0.6)


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


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the names of the files that tiles are cut from, as it happens."""
    names: list[str] = []
    cut = FolderBackend.cut

    def noted(self: FolderBackend, scene: Scene, *arguments: Any) -> Any:
        names.append(scene.name)
        return cut(self, scene, *arguments)

    monkeypatch.setattr(FolderBackend, "cut", noted)
    return names
