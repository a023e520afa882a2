"""The scenes of STAC items, from whichever kind of archive they come."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import shapely
from shapely.geometry import shape

from skyscript.backends.stac.query import BROKEN, CLOUD, StacQuery, is_wanted, time_of
from skyscript.backends.stac.radiometry import radiometry
from skyscript.geo.tile import Box
from skyscript.imagery.acquisition_time import check
from skyscript.imagery.outline import footprint_in_degrees
from skyscript.imagery.protocol import Scene

PRECISION = "skyscript:time_precision"
"""The property with the precision of the time, in an item that we make for a file without one."""
_FINEST, _COARSEST = 0.001, 10_000.0
"""Metres a pixel; a value beyond is an error of the item, and no tile can be cut by it."""
_SERVERS = ("https://", "http://", "s3://", "gs://")
log = logging.getLogger(__name__)


def scenes_of_items(items: Sequence[Any], wanted: StacQuery) -> list[Scene]:
    """Give the scenes of a search's items, each once; skips broken items and logs their number."""
    scenes: dict[str, Scene] = {}
    broken = 0
    for item in items:
        try:
            scene = _scene(item, wanted)
        except (*BROKEN, shapely.errors.ShapelyError):
            broken += 1
            continue
        if scene is not None:
            scenes[scene.scene_id] = scene
    if broken:
        log.warning("%s: %d of %d items are no STAC items", wanted.alias, broken, len(items))
    return list(scenes.values())


def outline_of(item: Mapping[str, Any]) -> shapely.Geometry | None:
    """Give the footprint of an item in degrees; None if it has none. A broken one may raise."""
    return footprint_in_degrees(shape(item["geometry"])) if item.get("geometry") else None


def _scene(item: Mapping[str, Any], wanted: StacQuery) -> Scene | None:
    """Give the scene of an item; None if it is not wanted or lacks an outline, a time or assets.

    A broken item may raise any error.
    """
    facts = item["properties"]
    if not (facts.get("datetime") or facts.get("start_datetime")) or not is_wanted(item, wanted):
        return None
    outline = outline_of(item)
    assets = _assets(item.get("assets", {}), wanted.route.assets)
    gsd = _gsd(item, assets, wanted) if assets else None
    if outline is None or assets is None or gsd is None:
        return None
    if not _FINEST <= gsd <= _COARSEST:
        raise ValueError(f"{gsd} m is no GSD")
    acquired = datetime.fromisoformat(time_of(facts))
    check(acquired)
    cloud = facts.get(CLOUD)
    said = radiometry(item, assets, wanted.bands)
    return Scene(
        scene_id=f"{wanted.alias}/{item['id']}",
        source=wanted.alias,
        backend="stac",
        name=str(item["id"]),
        geometry=shapely.to_wkb(outline),
        box=Box(*shapely.bounds(outline).tolist()),
        gsd=gsd,
        acquired=(acquired if acquired.tzinfo else acquired.replace(tzinfo=UTC)).replace(
            microsecond=0
        ),
        time_precision=facts.get(PRECISION, wanted.time_precision),
        weight=wanted.weight,
        cloud=None if cloud is None else float(cloud),
        hrefs=tuple(str(asset["href"]) for asset in assets),
        bands=said.bands,
        offsets=said.offsets,
        nodata=said.nodata,
    )


def _gsd(
    item: Mapping[str, Any], assets: Sequence[Mapping[str, Any]], wanted: StacQuery
) -> float | None:
    """Give the metres a pixel by the config, the first asset, the item, or the source."""
    first = assets[0]
    bands = first.get("raster:bands") or first.get("bands") or [{}]
    stated = (
        wanted.gsd,
        first.get("gsd"),
        first.get("eo:gsd"),
        first.get("raster:spatial_resolution"),
        bands[0].get("spatial_resolution") or bands[0].get("raster:spatial_resolution"),
        item["properties"].get("gsd"),
        item["properties"].get("eo:gsd"),
        _gsd_in(str(first["href"]), wanted.route.gsd_in_address),
        wanted.source_gsd,
    )
    return next((float(gsd) for gsd in stated if gsd is not None), None)


def _gsd_in(address: str, pattern: str | None) -> float | None:
    found = re.search(pattern, address) if pattern else None
    return float(found.group(1)) if found else None


def _assets(assets: Mapping[str, Any], wanted: Sequence[str]) -> list[Mapping[str, Any]] | None:
    """Give the assets with these names or patterns; None if one is missing.

    Raises `ValueError` if an address is not on a server: a local file, for example.
    """
    found = []
    for pattern in wanted:
        names = [name for name in sorted(assets) if fnmatchcase(name, pattern)]
        if not names:
            return None
        asset = assets[names[0]]
        if not str(asset["href"]).startswith(_SERVERS):
            raise ValueError(f"{asset['href']} is no address on a server")
        found.append(asset)
    return found
