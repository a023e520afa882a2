"""Which items of a STAC collection there are, by the maintained client."""

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
from skyscript.backends.service.retry import first_line
from skyscript.geo.tile import Box
from skyscript.imagery.outline import on_the_globe
from skyscript.imagery.places import cells
from skyscript.imagery.protocol import Scene
from skyscript.imagery.scene_query import SceneQuery

_PAGE = 250
_TIMEOUT = 60
_RETRIES = 5
_CLOUD = "eo:cloud_cover"
_FINEST, _COARSEST = 0.001, 10_000.0
"""Metres a pixel; whatever an item says beyond is a slip, and no tile can be cut by it."""
_SERVERS = ("https://", "http://", "s3://", "gs://")
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StacQuery(SceneQuery):
    """A query for the items of a STAC collection; ``per_place`` is a number for satellites only."""

    route: StacRoute
    gsd: float | None
    time_precision: str


def search(wanted: StacQuery, places: Sequence[Box]) -> list[Scene]:
    """Give the scenes that show a part of the places; raises `InputError` where it cannot ask."""
    client = _client()
    try:
        api = client.open(wanted.route.api, timeout=_TIMEOUT, stac_io=_patient_io())
        items = list(_items(api, wanted, places))
    except Exception as error:  # whatever the client makes of what was sent
        is_odd = isinstance(error, AttributeError | KeyError | TypeError | ValueError)
        said = f"{'its answer is no STAC: ' * is_odd}{first_line(str(error))}"
        raise InputError(
            f"{wanted.alias}: {wanted.route.api} cannot be searched ({said}); check the address "
            "and the collection, or run the same command again later."
        ) from error
    return scenes_of_items(items, wanted)


def answers(route: StacRoute, coverage: Box) -> str:
    """Say whether an API answers, and whether it has an image in a coverage."""
    client = _client()
    try:
        api = client.open(route.api, timeout=_TIMEOUT)
        found = api.search(collections=[route.collection], bbox=list(coverage), max_items=1)
        count = len(list(found.items_as_dicts()))
    except Exception as error:  # whatever the client makes of what was sent
        return f"does not answer ({first_line(str(error))})"
    return "answers" if count else f"answers, and has nothing in {route.collection}"


def scenes_of_items(items: Sequence[Any], wanted: StacQuery) -> list[Scene]:
    """Give the scenes of a search's items, each once; what is no item is passed over and told."""
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


def _patient_io() -> Any:  # noqa: ANN401 - pystac_client's
    from pystac_client.stac_api_io import StacApiIO
    from urllib3 import Retry

    retry = Retry(
        total=_RETRIES,
        backoff_factor=0.3,
        status_forcelist=[429, 500, 502, 503, 504],
        allowed_methods=None,
    )
    return StacApiIO(timeout=_TIMEOUT, max_retries=retry)


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
    areas = cells(places)
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
    """Give an item's row; None where it lacks an outline, a time or the assets.

    Raises whatever an item that is none leads to.
    """
    facts = item["properties"]
    time = facts.get("datetime") or facts.get("start_datetime")
    outline = on_the_globe(shape(item["geometry"])) if item.get("geometry") else None
    hrefs = _hrefs(item.get("assets", {}), wanted.route.assets)
    gsd = wanted.gsd or facts.get("gsd")
    if outline is None or time is None or hrefs is None or gsd is None:
        return None
    if not _FINEST <= float(gsd) <= _COARSEST:
        raise ValueError(f"{gsd} m is no GSD")
    acquired = datetime.fromisoformat(time)
    cloud = facts.get(_CLOUD)
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
        hrefs=hrefs,
    )


def _hrefs(assets: Mapping[str, Any], wanted: Sequence[str]) -> tuple[str, ...] | None:
    """Give the addresses of the assets with these names or patterns; None where one is missing.

    Raises `ValueError` where one leads elsewhere than to a server: to a file of ours, say.
    """
    found = []
    for pattern in wanted:
        names = [name for name in sorted(assets) if fnmatchcase(name, pattern)]
        if not names:
            return None
        href = str(assets[names[0]]["href"])
        if not href.startswith(_SERVERS):
            raise ValueError(f"{href} is no address on a server")
        found.append(href)
    return tuple(found)
