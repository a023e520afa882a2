"""The table of scenes."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from pipeline.schema import conform
from stages import tables
from stages.index import INDEX, IndexConfig, index
from tests.skyscript.imagery.rasters import plain, write_raster
from tests.stages.focus import focus_at

NO_FOCUS = ds.dataset(tables.FOCUS.schema.empty_table())


def scenes(sources: dict[str, Any], root: Path) -> pa.Table:
    config = IndexConfig.model_validate({"sources": sources})
    parts = list(index(NO_FOCUS, config=config, root=root))
    return conform(pa.concat_tables(parts), tables.SCENES, where="index")


def test_all_sources_stand_in_one_table_by_id(tmp_path: Path) -> None:
    (tmp_path / "us").mkdir()
    write_raster(tmp_path / "us" / "b.tif", plain(), "EPSG:32618", (-75.9, 37.5), 0.6)
    write_raster(tmp_path / "us" / "a.tif", plain(), "EPSG:32618", (-75.8, 37.5), 0.6)
    table = scenes(
        {
            "US": {"backend": "folder", "path": tmp_path / "us", "acquired": "2020-04-15"},
            "SIM": {"backend": "simulated", "gsd": [0.2], "year": 2023, "weight": 0.5},
        },
        tmp_path,
    )
    ids = table.column("scene_id").to_pylist()
    assert ids == sorted(ids)
    assert ids[-2:] == ["US/a.tif", "US/b.tif"]
    assert all(name.startswith("SIM/0.2/") for name in ids[:-2])
    last = table.to_pylist()[-1]
    assert (last["gsd"], last["backend"], last["time_precision"]) == (0.6, "folder", "day")
    assert last["acquired"].isoformat() == "2020-04-15T00:00:00+00:00"
    assert last["west"] < -75.9 < last["east"]
    assert set(table.column("weight").to_pylist()) == {0.5, 1.0}


def test_no_source_at_all_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No source of images: name one under `sources`"):
        scenes({}, tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no file like"):
        scenes({"CH": {"backend": "folder", "path": tmp_path, "acquired": 2019}}, tmp_path)


def test_new_images_change_what_the_stage_reads_from_outside(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", plain())
    block = {"CH": {"backend": "folder", "path": tmp_path, "acquired": 2019}}
    config = IndexConfig.model_validate({"sources": block})
    before = INDEX.external(config)
    assert list(before) == ["sources.CH"]
    write_raster(tmp_path / "b.tif", plain())
    assert INDEX.external(config) != before


def test_where_the_images_lie_is_no_part_of_identity(tmp_path: Path) -> None:
    def identity(**fields: Any) -> object:
        block = {"backend": "folder", "path": tmp_path, "acquired": 2019} | fields
        return IndexConfig.model_validate({"sources": {"CH": block}}).identity()

    assert identity(path="elsewhere") == identity()
    assert identity(bands=(3, 2, 1)) != identity()


def test_images_that_lie_elsewhere_say_where_and_how_far(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_raster(tmp_path / "a.tif", plain(), "EPSG:32632", (9.0, 47.0), 0.5)
    block: Any = {"CH": {"backend": "folder", "path": tmp_path, "acquired": 2019}}
    config = IndexConfig.model_validate({"sources": block})
    with pytest.raises(
        InputError,
        match=r"the images lie in W S E N 8\.999 46\.999 9\.001 47\.001, the objects in 9\.500 "
        r"47\.000 .* are 3[78]\.\d km apart",
    ):
        list(index(focus_at(9.5, 47.0), config=config, root=tmp_path))
    both = IndexConfig.model_validate({"sources": block | {"SIM": {"backend": "simulated"}}})
    assert list(index(focus_at(9.5, 47.0), config=both, root=tmp_path))
    assert "CH: the images lie in" in caplog.text
    assert list(index(focus_at(9.0, 47.0), config=config, root=tmp_path))
