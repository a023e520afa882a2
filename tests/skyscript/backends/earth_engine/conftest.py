"""An emulated Earth Engine for each test, and retries that do not wait."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from skyscript.backends.earth_engine import EarthEngineBackend, EarthEngineSource
from skyscript.backends.service import retry as attempts
from skyscript.geo.tile import Box
from skyscript.imagery.protocol import Scene
from tests.emulators.accounts import key_file
from tests.emulators.earth_engine import PROJECT, EarthEngine

HERE = (-83.0, 40.0)
NOTHING = pa.table({})
Start = Callable[..., EarthEngine]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.01)


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[EarthEngine] = []

    def begin(*arguments: Any, **fields: Any) -> EarthEngine:
        running.append(EarthEngine(*arguments, **fields))
        return running[-1].__enter__()

    yield begin
    for earth in running:
        earth.__exit__()


def backend(earth: EarthEngine, folder: Path, **fields: Any) -> EarthEngineBackend:
    given = {
        "project": PROJECT,
        "service_account": key_file(folder / "key.json", earth.url),
        "endpoint": earth.url,
        "a_second": 1000,
    }
    return EarthEngineBackend(EarthEngineSource(**given | fields))


def around(place: tuple[float, float]) -> list[Box]:
    return [Box(*place, *place)]


def scene_of(found: EarthEngineBackend, alias: str = "US") -> Scene:
    return found.search(alias, around(HERE))[0]
