"""Buckets for tests: a local S3 server that many tests share, and a bucket for each."""

import itertools
from collections.abc import Iterator

import pytest

from pipeline import requests_to_bucket
from pipeline.bucket import BucketPath
from pipeline.storage import place_of
from tests.emulators.bucket import Bucket
from tests.emulators.faults import Faults

_numbers = itertools.count()


@pytest.fixture(scope="session")
def _storage() -> Iterator[Bucket]:
    with Bucket().open() as server:
        yield server


@pytest.fixture
def storage(_storage: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Give the server, without faults, and let this and other processes use it."""
    for name, value in _storage.environment().items():
        monkeypatch.setenv(name, value)
    _storage.behave(Faults())
    requests_to_bucket.connect.cache_clear()
    yield _storage
    _storage.behave(Faults())


@pytest.fixture
def bucket(storage: Bucket) -> BucketPath:
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
