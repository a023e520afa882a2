"""Which scenes an archive has: a STAC API, a static catalogue, a GeoParquet of items, a bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from image_sources import StacRoute
from pipeline.errors import InputError
from skyscript.backends.service.retry import first_line, http_retries
from skyscript.backends.stac.api import items_of_api
from skyscript.backends.stac.bucket import items_of_bucket
from skyscript.backends.stac.catalogue import items_of_catalogue
from skyscript.backends.stac.items import scenes_of_items
from skyscript.backends.stac.items_table import items_of_table
from skyscript.backends.stac.query import StacQuery
from skyscript.geo.tile import Box
from skyscript.imagery.protocol import Scene

_TIMEOUT = 60
_CHECK = {
    "api": "check the address and the collection",
    "catalogue": "check the address of the catalogue",
    "items": "check the address of the GeoParquet",
    "bucket": "check the address of the bucket and `prefixes`",
}


def search(wanted: StacQuery, places: Sequence[Box]) -> list[Scene]:
    """Give the scenes that show a part of the places; raises `InputError` if the search fails."""
    kind = next(kind for kind in _CHECK if vars(wanted.route)[kind] is not None)
    try:
        items = list(_items(kind, wanted, places))
    except InputError:
        raise
    except Exception as error:  # the clients raise many kinds for an odd answer
        is_odd = isinstance(error, AttributeError | KeyError | TypeError | ValueError)
        why = f"{'its answer is no STAC: ' * is_odd}{_reason(error)}"
        raise InputError(
            f"{wanted.alias}: {wanted.route.address} cannot be searched ({why}); {_CHECK[kind]}, "
            "or run the same command again later."
        ) from error
    return scenes_of_items(items, wanted)


def _items(kind: str, wanted: StacQuery, places: Sequence[Box]) -> Iterator[Mapping[str, Any]]:
    match kind:
        case "api":
            address, client = wanted.route.address, _client()
            api = client.open(address, timeout=_TIMEOUT, stac_io=_retrying_io())
            return items_of_api(api, wanted, places)
        case "catalogue":
            _client()
            return items_of_catalogue(wanted, places, _retrying_io().read_json)
        case "items":
            return items_of_table(wanted, places)
    return items_of_bucket(wanted, places)


def answers(route: StacRoute, coverage: Box) -> str:
    """Say whether an archive answers and, if it is an API, has an image in a coverage."""
    client = _client()
    try:
        if route.api is None:
            return _answers_plainly(route.address)
        api = client.open(route.api, timeout=_TIMEOUT)
        found = api.search(collections=[route.collection], bbox=list(coverage), max_items=1)
        count = len(list(found.items_as_dicts()))
    except Exception as error:  # the client raises many kinds for an odd answer
        return f"does not answer ({_reason(error)})"
    return "answers" if count else f"answers, and has nothing in {route.collection}"


def _reason(error: Exception) -> str:
    """Give the first line of an error; the client's of an HTTP status without a body is empty."""
    status = getattr(error, "status_code", None)
    return f"HTTP status {status}" if status and not str(error) else first_line(str(error))


def _answers_plainly(address: str) -> str:
    import requests

    bucket, _, key = address.removeprefix("s3://").partition("/")
    is_s3 = address.startswith("s3://")
    url = f"https://{bucket}.s3.amazonaws.com/{key}" if is_s3 else address
    status = requests.head(url, timeout=_TIMEOUT, allow_redirects=True).status_code
    return "answers" if status < 400 else f"does not answer ({status})"


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
