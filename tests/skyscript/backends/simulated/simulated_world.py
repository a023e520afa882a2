"""A place to draw: objects given in metres around 10 E 48 N, and one call that draws them."""

import numpy as np
import pyarrow as pa
import shapely

from skyscript.backends.simulated import SimulatedBackend, SimulatedSource
from skyscript.geo.tile import tile_around
from skyscript.imagery.protocol import TileImage
from stages import tables

LON, LAT = 10.0, 48.0
GSDS = (0.1, 0.2, 0.6, 1.0)
BACKEND = SimulatedBackend(SimulatedSource(gsd=GSDS))
SCENES = {scene.scene_id: scene for scene in BACKEND.scenes("SIM")}
_DEGREE = 111319.49079


def degrees(shape, lon=LON, lat=LAT):
    """Turn metres east and north of a position into degrees."""
    scale = np.array([_DEGREE * np.cos(np.radians(lat)), _DEGREE])
    return shapely.transform(shape, lambda points: points / scale + (lon, lat))


def objects(*rows):
    """Make the table from (object_id, shape in metres, tags)."""
    return pa.table(
        {
            "object_id": [row[0] for row in rows],
            "kind": [row[0][0] for row in rows],
            "geometry": pa.array(
                [
                    row[1] if isinstance(row[1], bytes | None) else shapely.to_wkb(degrees(row[1]))
                    for row in rows
                ],
                pa.binary(),
            ),
            "tags": pa.array([list(row[2].items()) for row in rows], tables.TAGS),
        }
    )


def cut(table, gsd=0.2, season="summer", width=96, height=96, lon=LON, lat=LAT) -> TileImage:
    tile = tile_around(lon, lat, width, height, gsd)
    return BACKEND.cut(SCENES[f"SIM/{gsd:g}/{season}"], tile, table)


def draw(*rows, **where):
    """Draw objects and give the pixels as whole numbers that can be subtracted."""
    return cut(objects(*rows), **where).rgb.astype(np.int16)


def distance(one, other):
    """Mean difference of two images in grey levels."""
    return float(np.abs(one - other).mean())
