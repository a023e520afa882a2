"""Probe: asks the live Earth Engine about the sources and writes the answers as JSON."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape

from image_sources import ImageSource
from pipeline.atomic import write_json
from pipeline.errors import InputError
from skyscript.backends.earth_engine.account import HIGH_VOLUME, Connection
from skyscript.backends.earth_engine.pixels import decode, tile_request
from skyscript.backends.source_list import asset_of, connection_of, earth_engine_sources
from skyscript.geo.tile import tile_around
from skyscript.imagery.grid import mercator_grid

Place = tuple[float, float]
"""Longitude and latitude."""

PLACES: dict[str, Place] = {
    "CH": (8.54, 47.37),
    "ES": (-3.70, 40.42),
    "DE": (13.06, 52.40),
    "FI": (24.94, 60.17),
    "US": (-83.0, 39.96),
    "P3": (-122.4, 37.78),
    "P5": (-122.4, 37.78),
    "S2": (8.54, 47.37),
    "L8": (8.54, 47.37),
    "L9": (8.54, 47.37),
    "NL": (5.12, 52.09),
    "SK": (17.11, 48.15),
    "EE": (24.75, 59.44),
    "EEL": (24.75, 59.44),
    "LV": (24.11, 56.95),
    "NEO": (-105.55, 40.03),
}
"""Where each source should have images: a town, or a site of the observatory."""
_SIDE = 256
_MANY = 10_000
_PERCENTILES = (2, 25, 50, 75, 98)


def probe(project: str, service_account: Path | None, endpoint: str | None, out: Path) -> Path:
    """Ask the live service for facts that no page documents, and write them as JSON.

    For each source: the asset's kind, how many images a town has, the first ones with their time,
    CRS and scale; the largest page of a list, and whether lists cost compute; of a tile in the town
    and of one at an image's edge: seconds, cost, format, and whether pixels without data have
    alpha; where samples need a stretch, how they are spread.
    """
    connection = connection_of(project, service_account, endpoint)
    found = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "endpoint": endpoint or HIGH_VOLUME,
        "client": connection.ee.__version__,
        "sources": {source.alias: _probed(connection, source) for source in earth_engine_sources()},
    }
    write_json(out, found)
    return out


def _probed(connection: Connection, source: ImageSource) -> dict[str, Any]:
    """Collect the facts about one source; an error is recorded as a fact."""
    asset: dict[str, Any] = _finding(lambda: dict(asset_of(connection, source)))
    if "error" in asset:
        return asset
    found: dict[str, Any] = {"type": asset["type"], "time": [asset.get(t) for t in _TIMES]}
    images = _finding(lambda: _images(connection, source, asset))
    found["images"] = images
    if asset["type"] != "IMAGE":
        found["largest page"] = _finding(lambda: _largest_page(connection, source))
    first = next(iter(images.get("first", [])), None)
    if first is not None:
        place = PLACES[source.alias]
        found["tile"] = _finding(lambda: _tile(connection, source, first, place))
        found["tile at the edge"] = _finding(lambda: _tile(connection, source, first, _edge(first)))
        if source.stretch is not None:
            found["samples"] = _finding(lambda: _samples(connection, source, first, place))
    return found


_TIMES = ("startTime", "endTime")


def _images(
    connection: Connection, source: ImageSource, asset: Mapping[str, Any]
) -> dict[str, Any]:
    if asset["type"] == "IMAGE":
        return {"first": [_summary(asset)]}
    lon, lat = PLACES[source.alias]
    region = f"{{'type':'Point','coordinates':[{lon},{lat}]}}"
    query = {"parent": source.name, "pageSize": 1000, "filter": f'intersects("{region}")'}
    begun = time.monotonic()
    page = connection.retry(lambda: connection.ee.data.listAssets(dict(query)))
    return {
        "seconds": round(time.monotonic() - begun, 3),
        "in the first page": len(page["assets"]),
        "more pages": bool(page.get("nextPageToken")),
        "first": [_summary(image) for image in page["assets"][:5]],
    }


def _largest_page(connection: Connection, source: ImageSource) -> dict[str, Any]:
    """Ask for more images of some degrees around the town than a page is likely to hold."""
    lon, lat = PLACES[source.alias]
    ring = [[lon + x, lat + y] for x, y in ((-2, -2), (2, -2), (2, 2), (-2, 2), (-2, -2))]
    region = f"{{'type':'Polygon','coordinates':[{ring}]}}"
    query = {"parent": source.name, "pageSize": _MANY, "filter": f'intersects("{region}")'}
    query["fields"] = "nextPageToken,assets(id,startTime,geometry)"
    profiles: list[str] = []
    with connection.ee.data.profiling(profiles.append):
        page = connection.retry(lambda: connection.ee.data.listAssets(dict(query)))
    return {
        "asked for": _MANY,
        "images": len(page["assets"]),
        "more pages": bool(page.get("nextPageToken")),
        "counts as compute": bool(profiles),
    }


def _samples(
    connection: Connection, source: ImageSource, image: Mapping[str, Any], place: Place
) -> dict[str, list[float]]:
    """Give the percentiles of the samples by band, from which to choose a stretch."""
    grid = mercator_grid(tile_around(*place, _SIDE, _SIDE, source.gsd))
    request = {"assetId": image["id"], **tile_request(grid, source), "fileFormat": "NPY"}
    del request["visualizationOptions"]
    data = connection.retry(lambda: connection.ee.data.getPixels(request))
    samples = np.load(io.BytesIO(data), allow_pickle=False)
    return {
        band: [round(float(value), 4) for value in np.percentile(samples[band], _PERCENTILES)]
        for band in source.bands
    }


def _summary(image: Mapping[str, Any]) -> dict[str, Any]:
    bands = image.get("bands", [])
    return {
        "id": image["id"],
        "time": [image.get(name) for name in _TIMES],
        "geometry": image.get("geometry"),
        "bands": [band["id"] for band in bands],
        "grid": bands[0].get("grid") if bands else None,
    }


def _tile(
    connection: Connection, source: ImageSource, image: Mapping[str, Any], place: Place
) -> dict[str, Any]:
    """Get a tile around a place, with its cost."""
    grid = mercator_grid(tile_around(*place, _SIDE, _SIDE, source.gsd))
    request = {"assetId": image["id"], **tile_request(grid, source)}
    profiles: list[str] = []
    begun = time.monotonic()
    with connection.ee.data.profiling(profiles.append):
        data = connection.retry(lambda: connection.ee.data.getPixels(request))
    seconds = time.monotonic() - begun
    drawn = decode(data, grid)
    return {
        "seconds": round(seconds, 3),
        "bytes": len(data),
        "format": "JPEG" if drawn.jpeg else "PNG",
        "valid share": round(float(drawn.valid.mean()), 4),
        "darkest and brightest": [int(drawn.rgb.min()), int(drawn.rgb.max())],
        "cost": _finding(lambda: _cost(connection, profiles)),
    }


def _cost(connection: Connection, profiles: list[str]) -> Any:  # noqa: ANN401 - JSON
    """Give the EECU of a request as the service reports them; None without a profile."""
    if not profiles:
        return None
    report = connection.ee.ApiFunction.lookup("Profile.getProfiles").call(ids=profiles)
    return connection.retry(report.getInfo)


def _edge(image: Mapping[str, Any]) -> Place:
    """Give a corner of the image's outline: a part of a tile there has no data."""
    corners = shapely.get_coordinates(shape(image["geometry"]))
    return float(corners[0, 0]), float(corners[0, 1])


def _finding(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - JSON
    try:
        return ask()
    except InputError:
        raise
    except Exception as error:  # any error is a fact about the service
        return {"error": f"{type(error).__name__}: {error}"}
