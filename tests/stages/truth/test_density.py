"""The counts of objects by cell and concept."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import shapely
from pydantic import ValidationError

from pipeline.schema import conform
from pipeline.stage import Shard
from stages import tables
from stages.density import DENSITY, DensityConfig, density

VOCAB = pa.table({name: [] for name in tables.VOCAB.schema.names}, schema=tables.VOCAB.schema)


def row(object_id, box, version, changed, **tags):
    return {
        "object_id": object_id,
        "kind": object_id[0],
        "osm_id": int(object_id[1:]),
        "geometry": shapely.box(*box).wkb,
        **dict(zip(("west", "south", "east", "north"), box, strict=True)),
        "tags": list(tags.items()),
        "osm_version": version,
        "changed": changed and datetime(changed, 1, 1, tzinfo=UTC),
        "geom_rule": "test",
        "status": "ok",
    }


def counted(*rows):
    objects = pa.Table.from_pylist(list(rows), schema=tables.OBJECTS.schema)
    config, shard = DensityConfig(cell=0.01), Shard(0, Path("unused"))
    made = density(objects, ds.dataset(VOCAB), config=config, shard=shard)
    rows = conform(made, tables.DENSITY, where="density").to_pylist()
    return {
        (row["x"], row["y"], row["concept"]): (
            row["objects"],
            row["revisited"],
            row["changed"] and row["changed"].year,
        )
        for row in rows
    }


def test_objects_are_counted_for_all_that_they_are_a_kind_of():
    found = counted(
        row("a1", (0.011, 0.011, 0.012, 0.012), 1, 2015, building="church"),
        row("a2", (0.013, 0.011, 0.014, 0.012), 3, 2020, building="house"),
        row("n3", (0.013, 0.011, 0.013, 0.011), 3, 2024, note="nothing to see"),
    )
    assert found[1, 1, "building"] == found[1, 1, ""] == (2, 1, 2020)
    assert found[1, 1, "church"] == found[1, 1, "religious building"] == (1, 0, 2015)
    assert {(x, y) for x, y, _ in found} == {(1, 1)}


def test_an_object_counts_in_all_cells_that_its_box_meets():
    found = counted(row("a1", (-0.005, 0.015, 0.015, 0.025), None, None, landuse="forest"))
    cells = {(x, y) for x in (-1, 0, 1) for y in (1, 2)}
    assert {(x, y): n for (x, y, name), n in found.items() if name == "forest"} == dict.fromkeys(
        cells, (1, 0, None)
    )


def test_a_huge_object_counts_at_its_centre():
    found = counted(row("a1", (0, 0, 0.5, 0.5), 1, 2020, landuse="forest"))
    assert {cell[:2] for cell in found} == {(25, 25)}


def test_nothing_is_counted_unless_the_config_says_how_large_a_cell_is():
    assert "density.cell" in (DENSITY.disabled(DensityConfig()) or "")
    assert DENSITY.disabled(DensityConfig(cell=0.01)) is None


@pytest.mark.parametrize("cell", [0, -1, 1e-7, 2])
def test_cells_that_are_far_too_small_or_large_are_refused(cell: float) -> None:
    with pytest.raises(ValidationError, match=r"should be (greater|less) than or equal to"):
        DensityConfig(cell=cell)
