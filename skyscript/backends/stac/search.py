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
from skyscript.imagery.outline import footprint_in_degrees
from skyscript.imagery.places import search_areas
from skyscript.imagery.protocol import Scene
from skyscript.imagery.scene_query import SceneQuery

_PAGE = 250
_TIMEOUT = 60
_CLOUD = "eo:cloud_cover"
_FINEST, _COARSEST = 0.001, 10_000.0
"""Metres a pixel; a value beyond is an error of the item, and no tile can be cut by it."""
_SERVERS = ("https://", "http://", "s3://", "gs://")
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StacQuery(SceneQuery):
    """A query for the items of a STAC collection; ``per_place`` is a number for satellites only."""

    route: StacRoute
    gsd: float | None
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
        except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
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
    first, last = wanted.years
    question: dict[str, Any] = {
        "collections": [wanted.route.collection],
        "datetime": f"{first:04}-01-01T00:00:00Z/{last:04}-12-31T23:59:59Z",
        "limit": _PAGE,
    }
    query: dict[str, Any] = {}
    if wanted.route.platform is not None:
        query["platform"] = {"eq": wanted.route.platform}
    areas = search_areas(places)
    if wanted.per_place is not None:
        query[_CLOUD] = {"lt": wanted.max_cloud}
        question["sortby"] = [{"field": f"properties.{_CLOUD}", "direction": "asc"}]
        question |= {"max_items": wanted.per_place, "limit": wanted.per_place}
        areas = list(places)
    if query:
        question["query"] = query
    for area in areas:
        yield from api.search(**question, bbox=list(area)).items_as_dicts()


def _scene(item: Mapping[str, Any], wanted: StacQuery) -> Scene | None:
    """Give the scene of an item; None if it lacks an outline, a time or the assets.

    A broken item may raise any error.
    """
    facts = item["properties"]
    time = facts.get("datetime") or facts.get("start_datetime")
    outline = footprint_in_degrees(shape(item["geometry"])) if item.get("geometry") else None
    assets = _assets(item.get("assets", {}), wanted.route.assets)
    gsd = wanted.gsd or facts.get("gsd")
    if outline is None or time is None or assets is None or gsd is None:
        return None
    if not _FINEST <= float(gsd) <= _COARSEST:
        raise ValueError(f"{gsd} m is no GSD")
    acquired = datetime.fromisoformat(time)
    cloud = facts.get(_CLOUD)
    said = radiometry(item, assets, wanted.bands)
    return Scene(
        scene_id=f"{wanted.alias}/{item['id']}",
        source=wanted.alias,
        backend="stac",
        name=str(item["id"]),
        geometry=shapely.to_wkb(outline),
        box=Box(*shapely.bounds(outline).tolist()),
        gsd=float(gsd),
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
