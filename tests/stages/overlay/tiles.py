"""Images of focus objects on the small ground, as the stage is given them."""

from datetime import UTC, datetime

from skyscript.geo.tile import tile_around
from stages import tables
from tests.stages.ground import GSD, LAT, LON, SIDE, point, thing

FOCUS = thing("n1", point(0, 0), man_made="pier", name="Jetée")


def image(focus=FOCUS, gsd=GSD, part=3, **more):
    tile = tile_around(LON, LAT, SIDE, SIDE, gsd)
    return {
        "object_id": focus["object_id"],
        "filepath": f"images{part}/{focus['object_id']}_CH_19.jpg",
        "source": "CH",
        "scene_id": "CH/x",
        "gsd": gsd,
        "width": SIDE,
        "height": SIDE,
        **tile.box._asdict(),
        "acquired": datetime(2019, 7, 1, 10, 30, tzinfo=UTC),
        "status": "ok",
        **more,
    }


def focus_row(row):
    return {name: row[name] for name in tables.FOCUS.schema.names if name in row} | {
        "chosen_by": "all"
    }


def ids(neighbours):
    return [neighbour["object_id"] for neighbour in neighbours]
