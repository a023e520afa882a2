"""The block ``sources`` of a config."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from skyscript.backends.folder import FolderBackend, FolderSource
from skyscript.backends.registry import Sources, folder_ids, local_backend_of
from skyscript.backends.simulated import SimulatedBackend, SimulatedSource
from tests.skyscript.imagery.rasters import plain, write_raster

SOURCES = TypeAdapter(Sources)
FOLDER = {"backend": "folder", "path": "images", "acquired": 2019}
SIMULATED = {"backend": "simulated"}
EARTH_ENGINE = {"backend": "earth_engine", "project": "mine"}


def test_the_backend_decides_what_a_block_is() -> None:
    sources = SOURCES.validate_python({"CH": FOLDER, "SIM": SIMULATED})
    assert isinstance(sources["CH"], FolderSource)
    assert isinstance(sources["SIM"], SimulatedSource)
    assert isinstance(local_backend_of(sources["CH"]), FolderBackend)
    assert isinstance(local_backend_of(sources["SIM"]), SimulatedBackend)


def test_a_backend_is_made_once_for_equal_blocks() -> None:
    one, two = (SOURCES.validate_python({"CH": FOLDER})["CH"] for _ in range(2))
    assert local_backend_of(one) is local_backend_of(two)


@pytest.mark.parametrize("alias", ["ch", "C", "SWISS", "C_H", "", "CH/", "ÄÖ"])
def test_an_alias_must_fit_into_a_file_name(alias: str) -> None:
    with pytest.raises(ValidationError, match="two or three of A-Z and 0-9"):
        SOURCES.validate_python({alias: FOLDER})


@pytest.mark.parametrize("sources", [{"SIM": FOLDER}, {"CH": SIMULATED}])
def test_rendered_tiles_never_pass_for_photographs(sources: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="nobody takes rendered tiles for photographs"):
        SOURCES.validate_python(sources)


def test_an_unknown_backend_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="'folder', 'simulated'"):
        SOURCES.validate_python({"TP": {"backend": "telepathy"}})


def test_earth_engine_knows_its_own_aliases_only() -> None:
    with pytest.raises(
        ValidationError, match="the alias 'XY' is none of Earth Engine's: CH, ES, DE"
    ):
        SOURCES.validate_python({"XY": EARTH_ENGINE})
    assert set(SOURCES.validate_python({"US": EARTH_ENGINE, "NL": EARTH_ENGINE})) == {"US", "NL"}


def test_a_run_has_one_earth_engine_project() -> None:
    other = EARTH_ENGINE | {"project": "other"}
    with pytest.raises(ValidationError, match="must agree in project"):
        SOURCES.validate_python({"US": EARTH_ENGINE, "CH": other})


def test_earth_engine_needs_a_project() -> None:
    with pytest.raises(ValidationError, match="project"):
        SOURCES.validate_python({"US": {"backend": "earth_engine"}})


def test_account_and_speed_are_no_part_of_a_results_identity() -> None:
    quick = EARTH_ENGINE | {"project": "other", "at_once": 200, "service_account": "key.json"}
    one, two = (SOURCES.validate_python({"US": block})["US"] for block in (EARTH_ENGINE, quick))
    assert one.identity() == two.identity()
    years = SOURCES.validate_python({"US": EARTH_ENGINE | {"years": [2018, 2020]}})["US"]
    assert years.identity() != one.identity()


@pytest.mark.slow
def test_contents_are_of_folders_only(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", plain())
    folder = FOLDER | {"path": tmp_path}
    sources = SOURCES.validate_python({"US": folder, "CH": folder, "SIM": SIMULATED})
    found = folder_ids(sources)
    assert list(found) == ["sources.CH", "sources.US"]
    assert found["sources.CH"] == found["sources.US"]
