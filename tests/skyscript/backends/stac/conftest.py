"""An emulated STAC archive for each test, and retries that do not wait."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from shapely.geometry import box, mapping

from skyscript.backends.service import retry as attempts
from skyscript.backends.stac.config import StacSource
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box, tile_around
from skyscript.imagery.protocol import Scene
from tests.emulators.stac import StacArchive

HERE = (9.0, 47.0)
AROUND = mapping(box(8.9, 46.9, 9.1, 47.1))
NOTHING = pa.table({})
TILE = tile_around(*HERE, 100, 80, 0.5)
Start = Callable[..., StacArchive]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.01)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[StacArchive] = []

    def begin(items: list[dict[str, Any]], **fields: Any) -> StacArchive:
        running.append(StacArchive({"images": items}, tmp_path, **fields))
        archive = running[-1].__enter__()
        for found in items:
            for asset in found["assets"].values():
                asset["href"] = asset["href"].replace("HERE", f"{archive.url}/files")
        return archive

    yield begin
    for archive in running:
        archive.__exit__()


def backend(archive: StacArchive, **fields: Any) -> StacBackend:
    given = {"api": archive.url, "collection": "images", "assets": ["visual"], "gsd": 0.5}
    return StacBackend(StacSource.model_validate(given | fields))


def found(archive: StacArchive, alias: str = "OWN", **fields: Any) -> list[Scene]:
    return list(backend(archive, **fields).search(alias, [Box(*HERE, *HERE)]))
