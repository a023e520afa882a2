"""Which items a STAC collection has, by the maintained client."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import shapely
from shapely.geometry import shape

from image_sources import StacRoute
from pipeline.errors import InputError
from skyscript.backends.service.retry import first_line, http_retries
from skyscript.backends.stac.radiometry import radiometry
from skyscript.geo.tile import Box
from skyscript.imagery.acquisition_time import check
from skyscript.imagery.outline import footprint_in_degrees
from skyscript.imagery.places import search_areas
from skyscript.imagery.protocol import Scene
from skyscript.imagery.scene_query import SceneQuery

_PAGE = 250
_TIMEOUT = 60
_CLOUD = "eo:cloud_cover"
_MOST = 1000
"""Items of a place that are compared here, if the API does not choose the clearest itself."""
_FINEST, _COARSEST = 0.001, 10_000.0
"""Metres a pixel; a value beyond is an error of the item, and no tile can be cut by it."""
_BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What may come of an item that is none."""
_SERVERS = ("https://", "http://", "s3://", "gs://")
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StacQuery(SceneQuery):
    """A query for the items of a STAC collection."""

    route: StacRoute
    gsd: float | None
    """Of the config."""
    source_gsd: float | None
    """Serves where neither an asset nor an item states one."""
    time_precision: str
    bands: tuple[int, int, int] | None
    """Red, green and blue of a single asset, where the config says it."""


def search(wanted: StacQuery, places: Sequence[Box]) -> list[Scene]:
    """Give the scenes that show a part of the places; raises `InputError` if the search fails."""
    client = _client()
    try:
        api = client.open(wanted.route.api, timeout=_TIMEOUT, stac_io=_retrying_io())
        items = list(_items(api, wanted, places))
    except Exception as error:  # the client raises many kinds for an odd answer
        is_odd = isinstance(error, AttributeError | KeyError | TypeError | ValueError)
        why = f"{'its answer is no STAC: ' * is_odd}{first_line(str(error))}"
        raise InputError(
            f"{wanted.alias}: {wanted.route.api} cannot be searched ({why}); check the address "
            "and the collection, or run the same command again later."
        ) from error
    return scenes_of_items(items, wanted)


def answers(route: StacRoute, coverage: Box) -> str:
    """Say whether an API answers and has an image in a coverage."""
    client = _client()
    try:
        api = client.open(route.api, timeout=_TIMEOUT)
        found = api.search(collections=[route.collection], bbox=list(coverage), max_items=1)
        count = len(list(found.items_as_dicts()))
    except Exception as error:  # the client raises many kinds for an odd answer
        return f"does not answer ({first_line(str(error))})"
    return "answers" if count else f"answers, and has nothing in {route.collection}"


def scenes_of_items(items: Sequence[Any], wanted: StacQuery) -> list[Scene]:
    """Give the scenes of a search's items, each once; skips broken items and logs their number."""
    scenes: dict[str, Scene] = {}
    broken = 0
    for item in items:
        try:
            scene = _scene(item, wanted)
        except (*_BROKEN, shapely.errors.ShapelyError):
            broken += 1
            continue
        if scene is not None:
            scenes[scene.scene_id] = scene
    if broken:
        log.warning("%s: %d of %d items are no STAC items", wanted.alias, broken, len(items))
    return list(scenes.values())


def _client() -> Any:  # noqa: ANN401 - the client is imported late
    try:
        import pystac_client
    except ImportError:
        raise InputError(
            "The STAC client is not installed: pip install 'skyscript[stac]'."
        ) from None
    return pystac_client.Client


def _retrying_io() -> Any:  # noqa: ANN401 - pystac_client's
    from pystac_client.stac_api_io import StacApiIO

    return StacApiIO(timeout=_TIMEOUT, max_retries=http_retries())


def _items(api: Any, wanted: StacQuery, places: Sequence[Box]) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    """Give the items of some places; of each place the clearest, where their number is limited."""
    first, last = wanted.years
    question: dict[str, Any] = {
        "collections": [wanted.route.collection],
        "datetime": f"{first:04}-01-01T00:00:00Z/{last:04}-12-31T23:59:59Z",
        "limit": _PAGE,
    }
    query: dict[str, Any] = {}
    if wanted.route.platform is not None:
        query["platform"] = {"eq": wanted.route.platform}
    if wanted.per_place is None:
        question |= {"query": query} if query else {}
        for area in search_areas(places):
            yield from api.search(**question, bbox=list(area)).items_as_dicts()
        return
    question["query"] = {**query, _CLOUD: {"lt": wanted.max_cloud, "gte": 0}}
    question["sortby"] = [{"field": f"properties.{_CLOUD}", "direction": "asc"}]
    is_told = False
    for place in places:
        asked = {**question, "bbox": list(place)}
        items = _answered(api, asked, wanted, wanted.per_place)
        if items is None:
            if not is_told:
                log.warning(
                    "%s: %s ignores a part of the search; of each place up to %d items are "
                    "compared here",
                    wanted.alias,
                    wanted.route.api,
                    _MOST,
                )
            is_told = True
            items = _chosen_here(api, asked, wanted, wanted.per_place)
        yield from items


def _answered(
    api: Any,  # noqa: ANN401
    question: dict[str, Any],
    wanted: StacQuery,
    count: int,
) -> list[Mapping[str, Any]] | None:
    """Give the clearest items by the API's own choice; None if they are not what was asked for."""
    items = list(api.search(**question | {"limit": count, "max_items": count}).items_as_dicts())
    ranks = [_rank(item, wanted) for item in items]
    return items if None not in ranks and ranks == sorted(ranks, key=_last) else None


def _chosen_here(
    api: Any,  # noqa: ANN401
    question: dict[str, Any],
    wanted: StacQuery,
    count: int,
) -> list[Mapping[str, Any]]:
    """Give the clearest of many items, for an API that ignores ``query`` or ``sortby``."""
    items = list(api.search(**question, max_items=_MOST).items_as_dicts())
    ranked = [(rank, item) for item in items if (rank := _rank(item, wanted)) is not None]
    return [item for _, item in sorted(ranked, key=lambda each: each[0])[:count]]


def _rank(item: Mapping[str, Any], wanted: StacQuery) -> float | None:
    """Give the cloud of an item, infinite for a broken one; None if the item is not wanted."""
    try:
        return _last(_cloud_of(item)) if is_wanted(item, wanted) else None
    except _BROKEN:
        return _last(None)


def _cloud_of(item: Mapping[str, Any]) -> float | None:
    """Give the percentage of cloud that an item states; None if it is none."""
    cloud = item["properties"].get(_CLOUD)
    return float(cloud) if isinstance(cloud, int | float) else None


def _last(cloud: float | None) -> float:
    return float("inf") if cloud is None else cloud


def is_wanted(item: Mapping[str, Any], wanted: StacQuery) -> bool:
    """Say whether an item is of the years, the satellite and the clearness that were asked for.

    Not every API does what it is asked. An item that states no cloud passes, except where the
    clearest are asked for; a negative number means that it was not computed.
    """
    facts, cloud = item["properties"], _cloud_of(item)
    first, last = wanted.years
    if not first <= datetime.fromisoformat(_time(facts)).year <= last:
        return False
    if wanted.route.platform is not None and facts.get("platform") != wanted.route.platform:
        return False
    if cloud is None or cloud < 0:
        return wanted.per_place is None
    return cloud < wanted.max_cloud


def _time(facts: Mapping[str, Any]) -> str:
    return str(facts.get("datetime") or facts.get("start_datetime"))


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
        wanted.source_gsd,
    )
    return next((float(gsd) for gsd in stated if gsd is not None), None)


def _scene(item: Mapping[str, Any], wanted: StacQuery) -> Scene | None:
    """Give the scene of an item; None if it is not wanted or lacks an outline, a time or assets.

    A broken item may raise any error.
    """
    facts = item["properties"]
    time = facts.get("datetime") or facts.get("start_datetime")
    if time is None or not is_wanted(item, wanted):
        return None
    outline = footprint_in_degrees(shape(item["geometry"])) if item.get("geometry") else None
    assets = _assets(item.get("assets", {}), wanted.route.assets)
    gsd = _gsd(item, assets, wanted) if assets else None
    if outline is None or assets is None or gsd is None:
        return None
    if not _FINEST <= gsd <= _COARSEST:
        raise ValueError(f"{gsd} m is no GSD")
    acquired = datetime.fromisoformat(time)
    check(acquired)
    cloud = facts.get(_CLOUD)
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
        time_precision=wanted.time_precision,
        weight=wanted.weight,
        cloud=None if cloud is None else float(cloud),
        hrefs=tuple(str(asset["href"]) for asset in assets),
        bands=said.bands,
        offsets=said.offsets,
        nodata=said.nodata,
    )


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
