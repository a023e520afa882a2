"""A run that makes geometries of the wanted objects alone has the images and captions of all."""

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.run import Run
from pipeline.runner import run
from stages import PIPELINE, tables
from stages.wanted import NOT_WANTED
from tests.conftest import TOWN, content_of, extracts
from tests.skyscript.osm.osm_text import convert
from tests.stages.extract.everything import ALL
from tests.stages.extract.test_several_files import cut_in_two

pytestmark = pytest.mark.slow

WITH_ALL = tuple(ALL if stage.name == ALL.name else stage for stage in PIPELINE)
OPTIONS = [
    *("sample.max_objects=60", "sample.shard_rows=16", "runner.executor=serial"),
    *("density.cell=0.01", "truth.margin=200", "match.reach=50"),
    "statements.kinds=[count, direction, distance, relation, ask_absence, cover]",
]
LEFT_OUT = {"objects", "wanted", "summary.json"}
"""The two tables that differ, and the file that counts the rows of all tables."""


def build(recipe: tuple[Any, ...], root: Path, *options: str) -> Run:
    names = [stage.name for stage in recipe]
    config = load_config(TOY, recipe, [*OPTIONS, *options])
    run(recipe, config, root, lambda _: None, only=names[: names.index("unfiltered") + 1])
    return Run(root)


@pytest.mark.parametrize("path", extracts("monaco"))
def test_no_later_table_or_file_changes_and_the_totals_add_up(tmp_path: Path, path: Path) -> None:
    options = ["extract.part_rows=500", f"extract.path={path}"]
    made = build(PIPELINE, tmp_path / "wanted", *options)
    build(WITH_ALL, tmp_path / "all", *options)
    here, there = (
        {
            name: data
            for name, data in content_of(tmp_path / folder).items()
            if not LEFT_OUT & {*Path(name).parts}
        }
        for folder in ("wanted", "all")
    )
    assert {Path(name).suffix for name in here} >= {".parquet", ".jpg", ".pickle", ".csv"}
    assert {name for name in here if here[name] != there.get(name)} == set()
    boxes, wanted, objects = (
        made.table(table.name).to_table() for table in (tables.BOXES, tables.WANTED, tables.OBJECTS)
    )
    is_ok = pc.equal(wanted["status"], "ok")
    assert boxes["object_id"].filter(is_ok).equals(objects["object_id"])
    rejected = int(pc.sum(pc.not_equal(boxes["status"], "ok")).as_py() or 0)
    not_wanted = wanted["reason"].to_pylist().count(NOT_WANTED)
    assert len(boxes) == len(objects) + rejected + not_wanted
    assert all(wanted["reason"].filter(pc.invert(is_ok)).to_pylist())
    assert len(objects) > 100
    assert not_wanted > 100 or path != TOWN  # all of Monaco is near its tiles


@pytest.mark.parametrize("path", extracts("monaco"))
def test_two_halves_of_an_extract_give_the_run_of_the_whole(tmp_path: Path, path: Path) -> None:
    whole = convert(path, tmp_path / "whole.osm.pbf")  # without the bounds in its header
    halves = cut_in_two(whole, tmp_path)
    build(PIPELINE, tmp_path / "whole", f"extract.path={whole}")
    build(PIPELINE, tmp_path / "halves", f"extract.path=[{halves[1]}, {halves[0]}]")
    expected = content_of(tmp_path / "whole")
    assert len(expected) > 100
    assert content_of(tmp_path / "halves") == expected
