"""Objects to plan tiles for, the tiles that the stage gives them, and where these lie."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.geo.tile import Box, mercator_box, mercator_scale, to_degrees, to_mercator
from stages import tables
from stages.plan import PlanConfig, plan
from tests.skyscript.imagery.rasters import scenes_table
from tests.stages.vocabularies import AS_SHIPPED

HERE = (85.52, 27.63)
AROUND = (85.0, 27.0, 86.0, 28.0)
POLE = {"power": "pole"}  # to be seen at 0.2 m at the most
BUILDING = {"building": "yes"}
WORLD = (-180, -85, 180, 85)


def row(object_id: str, geometry: shapely.Geometry, tags: dict[str, str]) -> dict[str, Any]:
    return {
        "object_id": object_id,
        "kind": object_id[0],
        "osm_id": int(object_id[1:]),
        "geometry": shapely.to_wkb(geometry),
        **Box(*geometry.bounds)._asdict(),
        "tags": list(tags.items()),
        "chosen_by": "all",
        "chosen_for": None,
    }


def point(number: int = 1, place: tuple[float, float] = HERE, **tags: str) -> dict[str, Any]:
    return row(f"n{number}", shapely.Point(place), tags or POLE)


def area(metres: tuple[float, float], number: int = 1, **tags: str) -> dict[str, Any]:
    """A rectangle so wide and high on the ground."""
    x, y = to_mercator(*HERE)
    half = [length * mercator_scale(HERE[1]) / 2 for length in metres]
    west, south = to_degrees(x - half[0], y - half[1])
    east, north = to_degrees(x + half[0], y + half[1])
    return row(f"a{number}", shapely.box(west, south, east, north), tags or BUILDING)


def planned(
    rows: list[dict[str, Any]],
    scenes: ds.Dataset | None = None,
    vocab: ds.Dataset = AS_SHIPPED,
    **config: Any,
) -> list[dict[str, Any]]:
    scenes = scenes or scenes_table({"scene_id": "CH/a", "box": AROUND, "gsd": 0.1})
    focus = pa.Table.from_pylist(rows, schema=tables.FOCUS.schema)
    shard = Shard(0, Path("unused"))
    table = plan(focus, scenes, vocab, config=PlanConfig(**config), shard=shard)
    result = conform(table, tables.TILES, where="plan").to_pylist()
    assert [tile["object_id"] for tile in result] == [given["object_id"] for given in rows]
    return list(result)


def reason(given: dict[str, Any], scenes: ds.Dataset | None = None, **config: Any) -> str:
    (tile,) = planned([given], scenes, **config)
    assert tile["status"] == "filtered"
    assert tile["candidates"] == []
    return str(tile["reason"])


def offset(place: tuple[float, float], candidate: dict[str, Any]) -> tuple[float, float]:
    """How far a place lies off the tile's centre, to the east and north, in tile sides."""
    box = mercator_box(Box(*(candidate[side] for side in Box._fields)))
    x, y = to_mercator(*place)
    return (
        (x - (box.west + box.east) / 2) / (box.east - box.west),
        (y - (box.south + box.north) / 2) / (box.north - box.south),
    )
