"""Objects cut at 180 degrees: where their tiles lie, and which tiles know of them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from pipeline.stage import Shard
from skyscript.geo.tile import ANTIMERIDIAN, Box, tile_around
from skyscript.vocabulary import run_vocabulary
from stages import tables
from stages.eligible import EligibleConfig, find_eligible
from stages.eligible.showing import NOT_COVERED
from stages.overlay.config import OverlayConfig
from stages.overlay.neighbours import NearbyObjects
from tests.skyscript.imagery.rasters import scenes_table
from tests.stages.plan.tiles import planned, row
from tests.stages.sampling import eligible, outlined
from tests.stages.vocabularies import AS_SHIPPED

ROAD, POND = {"highway": "primary"}, {"natural": "water"}
EAST_OF, WEST_OF = (-180, -18, -179.9, -16), (179.9, -18, 180, -16)
NODES = [(179.97, -17), (179.98, -17), (-179.98, -17), (-179.97, -17)]
LINE = shapely.MultiLineString([[*NODES[:2], (180, -17)], [(-180, -17), *NODES[2:]]])
AREA = shapely.union(
    shapely.box(179.9995, -17.001, 180, -17), shapely.box(-180, -17.001, -179.9995, -17)
)


def boxes(*shapes: tuple[str, shapely.Geometry, dict[str, str]]) -> ds.Dataset:
    rows: list[dict[str, Any]] = [
        row(*shape) | {"geom_rule": "by hand", "status": "ok"} for shape in shapes
    ]
    return ds.dataset(pa.Table.from_pylist(rows, schema=tables.OBJECTS.schema))


def reasons(made: ds.Dataset, *cover: float) -> list[str | None]:
    """Give the reasons with a source that covers a box, by default the world."""
    areas = outlined().to_table().slice(0, 1)
    if cover:
        outline = pa.array([shapely.to_wkb(shapely.box(*cover))])
        areas = areas.set_column(areas.column_names.index("geometry"), "geometry", outline)
    config, shard = EligibleConfig(), Shard(0, Path("unused"))
    found = find_eligible(
        made.to_table(), ds.dataset(areas), AS_SHIPPED, config=config, shard=shard
    )
    return [each["reason"] for each in found.to_pylist()]


def test_a_line_can_be_shown_on_either_side_and_an_area_cannot() -> None:
    made = boxes(("w1", LINE, ROAD), ("a2", AREA, POND))
    assert reasons(made) == [None, ANTIMERIDIAN]
    assert reasons(made, *EAST_OF) == reasons(made, *WEST_OF) == [None, ANTIMERIDIAN]
    assert reasons(made, -10, -18, 10, -16)[0] == NOT_COVERED
    [part] = eligible(made)
    assert part["lon"].to_pylist() == [-180, -180]


def test_the_tile_of_a_line_is_on_the_side_that_images_show() -> None:
    for side, expected in ((EAST_OF, NODES[2:]), (WEST_OF, NODES[:2])):
        world = scenes_table({"scene_id": "SIM/a", "box": side, "gsd": 0.5})
        lines = [row(f"w{number}", LINE, ROAD) for number in range(20)]
        tiles = planned(lines, world, centred_share=1.0)
        assert {tile["status"] for tile in tiles} == {"ok"}
        middles = {
            round((tile["candidates"][0]["west"] + tile["candidates"][0]["east"]) / 2, 6)
            for tile in tiles
        }
        assert middles == {lon for lon, _ in expected}  # its nodes; it has none at 180


def test_a_tile_on_either_side_knows_an_area_across_180_degrees() -> None:
    objects = boxes(("a2", AREA, POND)).to_table()
    near = NearbyObjects(objects, run_vocabulary(AS_SHIPPED))
    images = [
        {
            "object_id": "n1",
            **tile_around(lon, -17, 256, 256, 1.0).box._asdict(),
            "width": 256,
            "height": 256,
            "gsd": 1.0,
        }
        for lon in (179.9985, -179.9985, 0.0)
    ]
    found = near.neighbours(images, OverlayConfig())
    assert found.ends == [1, 2, 2]
    pond = shapely.box(179.9995, -17.001, 180, -17)
    part = shapely.intersection(pond, shapely.box(*Box.of(images[0]))).area
    assert abs(found.share[0] / (part / shapely.box(*Box.of(images[0])).area) - 1) < 0.01
    assert found.share[0] == found.share[1]
