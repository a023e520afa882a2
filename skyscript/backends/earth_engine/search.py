"""Which images Earth Engine has: lists of a collection, and one computation for many places.

A collection with true footprints is listed, by the cells in which objects lie: about one request
for a thousand images. An archive (Sentinel-2, Landsat) holds thousands of images of every place;
there the service itself picks the clearest of each place, a hundred places in a request.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import shapely
from shapely.geometry import mapping, shape

from image_sources import ImageSource
from pipeline.errors import InputError
from skyscript.backends.earth_engine.account import Connection
from skyscript.geo.tile import Box
from skyscript.imagery.cover import choose
from skyscript.imagery.outline import footprint_in_degrees
from skyscript.imagery.places import bounding_box, cells_by_place, search_areas
from skyscript.imagery.protocol import NeverAvailable, Scene, TryLater
from skyscript.imagery.raster import two_digits
from skyscript.imagery.scene_query import NO_END, SceneQuery

_PAGE = 1000
_PLACES = 100
"""Places in one request: enough that requests are few, few enough for five minutes."""
_FIELDS = "nextPageToken,assets(id,type,startTime,endTime,geometry,bands,properties)"
_AFFINE = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
_DEGREE = 111_320.0
"""Metres on the ground at the equator."""


@dataclass(frozen=True, kw_only=True)
class AssetQuery(SceneQuery):
    """A query for the images of one Earth Engine asset. ``per_place`` limits only an archive."""

    source: ImageSource
    is_native: bool
    """Whether tiles are cut on the images' own grids, so that the search must find these."""


def search(connection: Connection, wanted: AssetQuery, places: Sequence[Box]) -> list[Scene]:
    """Give the scenes that show a part of the places; raises `InputError` if the search fails.

    The kind of an asset comes from the service, not from the catalogue: the catalogue calls
    Brandenburg a collection, and it is one image.
    """
    try:
        if wanted.source.layout == "archive":
            items = list(_clearest(connection, wanted, places))
        else:
            items = list(_listed(connection, wanted, places))
    except (NeverAvailable, TryLater) as error:
        raise InputError(
            f"{wanted.alias}: its images cannot be listed: {error}. If the asset "
            f"{wanted.source.name} has moved, its entry in image_sources.py needs the new name."
        ) from error
    scenes = {item["id"]: _scene(item, wanted) for item in items}
    return [scene for scene in scenes.values() if scene is not None]


def _listed(connection: Connection, wanted: AssetQuery, places: Sequence[Box]) -> Iterator[Any]:
    data, name = connection.ee.data, wanted.source.name
    asset = connection.retry(lambda: data.getAsset(name))
    if asset["type"] == "IMAGE":
        yield asset
        return
    for cell in search_areas(places):
        token: str | None = ""
        while token is not None:
            page = _page(connection, name, _filter(wanted, cell), token)
            yield from page["assets"]
            token = page.get("nextPageToken")


def _page(connection: Connection, name: str, clauses: str, token: str) -> Any:  # noqa: ANN401
    query = {"parent": name, "pageSize": _PAGE, "view": "FULL", "fields": _FIELDS}
    query |= {"filter": clauses} | ({"pageToken": token} if token else {})
    # A copy, because the client changes its argument.
    return connection.retry(lambda: connection.ee.data.listAssets(dict(query)))


def _filter(wanted: AssetQuery, cell: Box) -> str:
    first, last = wanted.years
    region = str(mapping(shapely.box(*cell))).replace("(", "[").replace(")", "]").replace(",]", "]")
    clauses = [f'startTime >= "{first:04}-01-01T00:00:00Z"', f'intersects("{region}")']
    if last < NO_END:
        # A mosaic of a year may end with the first moment of the next; `_scene` filters exactly.
        clauses.insert(1, f'endTime < "{last + 2:04}-01-01T00:00:00Z"')
    if wanted.source.cloud_property:
        clauses.append(f"properties.{wanted.source.cloud_property} < {wanted.max_cloud}")
    return " AND ".join(clauses)


def _clearest(connection: Connection, wanted: AssetQuery, places: Sequence[Box]) -> Iterator[Any]:
    """Give, of each place, the clearest images that cover its objects.

    The middle of each place is asked for first; then each cell that these images do not cover, at
    the edge of an orbit for example.
    """
    groups = cells_by_place(places)
    found: list[dict[str, Any]] = [{} for _ in groups]
    middles = [(number, _middle(bounding_box(cells))) for number, cells in enumerate(groups)]
    _ask(connection, wanted, middles, found)
    choices = [_choice(images, cells, wanted) for images, cells in zip(found, groups, strict=True)]
    missed = [
        (number, _middle(groups[number][cell]))
        for number, (_, lacking) in enumerate(choices)
        for cell in lacking
        if len(groups[number]) > 1  # its middle was asked for already
    ]
    _ask(connection, wanted, missed, found)
    for number in sorted({number for number, _ in missed}):
        choices[number] = _choice(found[number], groups[number], wanted)
    for kept, _ in choices:
        yield from kept


def _middle(box: Box) -> list[float]:
    return [round((box.west + box.east) / 2, 5), round((box.south + box.north) / 2, 5)]


def _ask(
    connection: Connection,
    wanted: AssetQuery,
    middles: Sequence[tuple[int, list[float]]],
    found: Sequence[dict[str, Any]],
) -> None:
    """Ask for the clearest images of points; adds them, by id, to those of their places."""
    for start in range(0, len(middles), _PLACES):
        part = middles[start : start + _PLACES]
        question = _question(connection.ee, wanted, [middle for _, middle in part])
        for (number, _), images in zip(part, _answer(connection, question), strict=True):
            found[number] |= {item["id"]: item for item in _items(images, wanted)}


def _choice(
    images: Mapping[str, Any], cells: Sequence[Box], wanted: AssetQuery
) -> tuple[list[Any], list[int]]:
    """Give the images of a place that are kept, and the cells that lack images."""
    cloud = wanted.source.cloud_property
    ranked = sorted(images.values(), key=lambda item: (item["properties"][cloud], item["id"]))
    outlined = [(item, _outline(item, wanted.source)) for item in ranked]
    shown = [(item, outline) for item, outline in outlined if outline is not None]
    count = wanted.per_place or len(shown)
    kept, lacking = choose([outline for _, outline in shown], cells, count, gsd=wanted.source.gsd)
    return [shown[number][0] for number in kept], lacking


def _items(of_place: Sequence[Any], wanted: AssetQuery) -> Iterator[dict[str, Any]]:
    for index, time, cloud, coordinates, *grid in of_place:
        moment = datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield {
            "id": f"{wanted.source.name}/{index}",
            "startTime": moment,
            "geometry": _geometry(coordinates),
            "properties": {wanted.source.cloud_property: cloud},
            "grid": grid[0] if grid else {},
        }


def _geometry(coordinates: Any) -> dict[str, Any]:  # noqa: ANN401 - nested lists
    """Give the geometry that has some coordinates: the depth of the lists says which kind."""
    depth, inner = 0, coordinates
    while isinstance(inner, list) and inner:
        depth, inner = depth + 1, inner[0]
    match depth:
        case 2:
            return {"type": "Polygon", "coordinates": [coordinates]}  # of a ring
        case 4:
            return {"type": "MultiPolygon", "coordinates": coordinates}
    return {"type": "Polygon", "coordinates": coordinates}


def _answer(connection: Connection, question: Any) -> Any:  # noqa: ANN401
    return connection.retry(lambda: connection.ee.data.computeValue(question))


def _question(ee: Any, wanted: AssetQuery, middles: Sequence[Sequence[float]]) -> Any:  # noqa: ANN401
    """Build: for each place the clearest images, as [index, time, cloud, outline, own grid]."""
    cloud, (first, last) = wanted.source.cloud_property, wanted.years
    images = (
        ee.ImageCollection(wanted.source.name)
        .filterDate(f"{first:04}-01-01", f"{last + 1:04}-01-01")
        .filter(ee.Filter.lt(cloud, wanted.max_cloud))
        .filter(ee.Filter.gte(cloud, 0))  # Landsat has -1 if it was not computed
    )

    def facts_of(image: Any) -> Any:  # noqa: ANN401
        image = ee.Image(image)
        outline = image.geometry().coordinates()
        facts = [image.get(name) for name in ("system:index", "system:time_start", cloud)]
        grid = [image.select(wanted.source.bands[0]).projection()] if wanted.is_native else []
        return ee.List([*facts, outline, *grid])

    def clearest(middle: Any) -> Any:  # noqa: ANN401
        here = images.filterBounds(ee.Geometry.Point(ee.List(middle)))
        return here.limit(wanted.per_place, cloud).toList(wanted.per_place).map(facts_of)

    return ee.List([list(middle) for middle in middles]).map(clearest)


def _scene(item: Mapping[str, Any], wanted: AssetQuery) -> Scene | None:
    """Give the scene of an asset; None if it is not wanted, or lacks a colour or an outline."""
    source = wanted.source
    bands = item.get("bands", [])
    if bands and not set(source.bands) <= {band["id"] for band in bands}:
        return None  # a colour-infrared image
    first, last = wanted.years
    begun = item.get("startTime")
    acquired = datetime.fromisoformat(begun) if begun else datetime(first, 1, 1, tzinfo=UTC)
    if not first <= acquired.year <= last:
        return None
    outline = _outline(item, source)
    if outline is None:
        return None
    asset_id = str(item["id"])
    cloud = item.get("properties", {}).get(source.cloud_property)
    if cloud is not None and not 0 <= float(cloud) < wanted.max_cloud:
        return None
    crs, transform = _native(item, source) if wanted.is_native else (None, None)
    return Scene(
        scene_id=f"{wanted.alias}/{asset_id.removeprefix(source.name).strip('/') or 'image'}",
        source=wanted.alias,
        backend="earth_engine",
        name=asset_id,
        geometry=shapely.to_wkb(outline),
        box=Box(*shapely.bounds(outline).tolist()),
        gsd=_gsd(bands, outline, source),
        acquired=acquired.replace(microsecond=0),
        time_precision=source.time_precision,
        weight=wanted.weight,
        cloud=None if cloud is None else float(cloud),
        crs=crs,
        transform=transform,
    )


def _native(
    item: Mapping[str, Any], source: ImageSource
) -> tuple[str | None, tuple[float, ...] | None]:
    """Give the CRS and the geotransform of an image's first colour; None if they are unknown.

    Lists have them for each band; a computed projection uses other names for the same values.
    """
    of_colour = [band for band in item.get("bands", []) if band["id"] == source.bands[0]]
    grid = of_colour[0].get("grid", {}) if of_colour else item.get("grid", {})
    affine = grid.get("affineTransform")
    transform = [affine.get(name, 0) for name in _AFFINE] if affine else grid.get("transform")
    crs = next((grid[name] for name in ("crsCode", "crsWkt", "crs", "wkt") if grid.get(name)), None)
    return (crs, tuple(map(float, transform))) if crs and transform else (None, None)


def _outline(item: Mapping[str, Any], source: ImageSource) -> shapely.Geometry | None:
    """Give the footprint in degrees; for a mosaic or single image without one, the coverage."""
    geometry = item.get("geometry")
    if not geometry:
        is_local = source.layout in ("mosaics", "single")
        return shapely.box(*source.coverage) if is_local else None
    found = shape(geometry)
    if isinstance(found, shapely.LinearRing):
        found = shapely.Polygon(found)
    return footprint_in_degrees(found)


def _gsd(
    bands: Sequence[Mapping[str, Any]], outline: shapely.Geometry, source: ImageSource
) -> float:
    """Give the metres a pixel of the first colour, to two digits; the source's if it is unknown.

    Images of one collection differ: NAIP has 0.3 to 2 m.
    """
    grids = [band.get("grid", {}) for band in bands if band["id"] == source.bands[0]]
    scale = abs(grids[0].get("affineTransform", {}).get("scaleX", 0)) if grids else 0.0
    if not scale:
        return source.gsd
    code, lat = grids[0].get("crsCode", ""), math.radians(shapely.get_y(shapely.centroid(outline)))
    if code == "EPSG:4326":
        scale *= _DEGREE * math.cos(lat)
    elif code == "EPSG:3857":
        scale *= math.cos(lat)
    return two_digits(scale)
