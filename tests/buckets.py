"""Buckets for tests: local servers that many tests share, and a bucket for each.

Tests use Amazon's S3; those with `EVERY_STORAGE` use each of the three.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import cache, partial
from typing import Any

import pytest
import stamina

from pipeline import requests_to_bucket
from pipeline.bucket import BucketPath
from pipeline.storage import place_of
from tests.emulators.azure_storage import AzureStorage, find_azurite
from tests.emulators.bucket import Bucket
from tests.emulators.faults import Faults
from tests.emulators.google_storage import GoogleStorage
from tests.emulators.storage import Storage

_numbers = itertools.count()
_SERVICES: dict[str, type[Storage]] = {
    service.scheme: service for service in (Bucket, GoogleStorage, AzureStorage)
}
_without_azurite = pytest.mark.skipif(
    find_azurite() is None,
    reason="Azurite is not installed: run make azurite",
)
_SCHEMES = ["s3", "gs", pytest.param("az", marks=_without_azurite)]
EVERY_STORAGE = pytest.mark.parametrize("storage", _SCHEMES, indirect=True)


def in_every_storage(metafunc: pytest.Metafunc) -> None:
    """Run each test of a module in every storage: import it as `pytest_generate_tests`."""
    if "storage" in metafunc.fixturenames:
        metafunc.parametrize("storage", _SCHEMES, indirect=True)


@pytest.fixture(scope="session")
def _servers() -> Iterator[Callable[[str], Storage]]:
    with ExitStack() as running:
        yield cache(lambda scheme: running.enter_context(_SERVICES[scheme]().open()))


@pytest.fixture
def storage(
    _servers: Callable[[str], Storage],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Storage]:
    """Give the server, without faults, and let this and other processes use it."""
    from obstore import store

    server = _servers(getattr(request, "param", "s3"))
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    server.behave(Faults())
    monkeypatch.setattr(store, "from_url", partial(_connect, store.from_url))
    requests_to_bucket.connect.cache_clear()
    with stamina.set_testing(True, attempts=requests_to_bucket._ATTEMPTS, cap=True):
        yield server
    server.behave(Faults())
    requests_to_bucket.connect.cache_clear()


def _connect(from_url: Callable[..., Any], bucket: str, **options: Any) -> Any:
    """Connect as the pipeline does, and repeat requests as often, but after a shorter wait."""
    first, longest = timedelta(milliseconds=5), timedelta(milliseconds=100)
    backoff = {"init_backoff": first, "max_backoff": longest, "base": 2}
    repeats = options.pop("retry_config") | {"backoff": backoff}
    return from_url(bucket, retry_config=repeats, **options)


@pytest.fixture
def bucket(storage: Storage) -> BucketPath:
    """Give an empty bucket."""
    place = place_of(storage.create(f"bucket-{next(_numbers)}"))
    assert isinstance(place, BucketPath)
    return place


def content_in(root: BucketPath) -> dict[str, bytes]:
    """Give what a reader of a run sees: every object but receipts, manifests and markers."""
    inside = len(root.key) + 1 if root.key else 0
    names = {place.key[inside:]: place for place, _ in root.objects()}
    return {
        name: names[name].read_bytes()
        for name in sorted(names)
        if not any(part.startswith("_") for part in name.split("/"))
    }
