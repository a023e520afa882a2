"""A storage that lets nobody in, or has no such bucket, is one sentence that says what to do."""

import pytest

from pipeline import requests_to_bucket
from pipeline.atomic import write_bytes
from pipeline.bucket import BucketPath
from pipeline.errors import ConfigError, StorageError
from pipeline.storage import matching, place_of
from tests.buckets import in_every_storage as pytest_generate_tests  # noqa: F401 - pytest's name
from tests.conftest import skyscript
from tests.emulators.storage import Storage
from tests.pipeline.world import World


@pytest.fixture
def refused(bucket: BucketPath, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> BucketPath:
    """Give a bucket that this process has no right credentials for."""
    for name, value in storage.wrong_environment().items():
        monkeypatch.setenv(name, value)
    requests_to_bucket.connect.cache_clear()
    return bucket


def test_wrong_credentials_are_one_sentence(refused: BucketPath) -> None:
    denied = "the storage denies access; check the credentials in the environment"
    with pytest.raises(StorageError, match=f"{refused}/a: {denied}"):
        write_bytes(refused / "a", b"")
    with pytest.raises(StorageError, match=denied):
        matching(refused, "*")
    with pytest.raises(StorageError, match=denied):
        (refused / "a").unlink()
    with pytest.raises(StorageError, match=denied):
        World(refused / "run").run()


@pytest.mark.slow
def test_the_command_says_it_in_one_line(refused: BucketPath) -> None:
    done = skyscript("status", refused / "run")
    assert done.returncode == 2
    assert "the storage denies access; check the credentials" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_bucket_that_does_not_exist_is_one_sentence(storage: Storage) -> None:
    nowhere = f"{storage.scheme}://nowhere"
    with pytest.raises(StorageError, match=f"{nowhere}: there is no such bucket; create it"):
        World(place_of(f"{nowhere}/run")).run()


def test_no_credentials_are_one_sentence(
    bucket: BucketPath, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in storage.environment():
        monkeypatch.delenv(name)
    monkeypatch.setattr(requests_to_bucket, "_SECONDS_OF_RETRIES", 0)
    requests_to_bucket.connect.cache_clear()
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
        monkeypatch.setenv(name, "127.0.0.1:1")
    for name in ("AWS_METADATA_ENDPOINT", "AZURE_MSI_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with pytest.raises((StorageError, ConfigError)) as caught:
        (bucket / "a").read_bytes()
    (sentence,) = str(caught.value).splitlines()
    assert sentence.startswith(f"{bucket}: ")
    assert requests_to_bucket.VARIABLES[storage.scheme] in sentence
