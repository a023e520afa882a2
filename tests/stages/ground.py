"""A ground of 100 m whose metres are known, and OSM objects on it."""

import shapely

from skyscript.geo.tile import mercator_scale, to_degrees, to_mercator

LON, LAT = 7.42, 43.73
GSD = 0.5
SIDE = 200  # pixels: a tile of 100 m


def at(east, north):
    """Give the degrees of a place so many ground metres from the tile's centre."""
    x, y = to_mercator(LON, LAT)
    scale = mercator_scale(LAT)
    return to_degrees(x + east * scale, y + north * scale)


def point(east, north):
    return shapely.Point(at(east, north))


def line(*places):
    return shapely.LineString([at(*place) for place in places])


def area(west, south, east, north):
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return shapely.Polygon([at(*corner) for corner in corners])


def thing(object_id, geometry, **tags):
    """A row of the table objects; ``roof__shape`` stands for roof:shape."""
    west, south, east, north = geometry.bounds
    return {
        "object_id": object_id,
        "kind": object_id[0],
        "osm_id": int(object_id[1:]),
        "geometry": geometry.wkb,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "tags": [(key.replace("__", ":"), value) for key, value in tags.items()],
        "geom_rule": "node",
        "status": "ok",
    }
