"""Requests to a bucket by obstore: connections, repeats, and errors as sentences.

obstore repeats requests that fail with 5xx, a lost connection or no answer, but not those whose
answer breaks off; these are repeated here. Every request may be repeated without harm.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import stamina

from pipeline.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

Result = TypeVar("Result")
_SECONDS_OF_RETRIES = 40
_SECONDS_OF_A_REQUEST = 30
_ATTEMPTS, _SECONDS_OF_ATTEMPTS = 4, 10
_CLIENT_ERROR = re.compile(r"(?:status |\()code: (4\d\d)")
_NO_BUCKET = re.compile("NoSuchBucket|ContainerNotFound")
_NO_CREDENTIALS = re.compile("token request|/latest/(api/token|meta-data)")
"""Finds the error of a request to a cloud machine for its role. The client sends this request if it
finds no other credentials."""
VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""The variables with the credentials of each storage."""


@lru_cache(maxsize=16)
def connect(bucket: str) -> ObjectStore:
    """Give the connection of this process to a bucket, ``s3://name``. Raises `ConfigError`."""
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    try:
        return from_url(
            bucket,
            # An endpoint is https:// unless the user writes http://, as for a server at hand.
            client_options={
                "allow_http": True,
                "timeout": timedelta(seconds=_SECONDS_OF_A_REQUEST),
            },
            retry_config={"retry_timeout": timedelta(seconds=_SECONDS_OF_RETRIES)},
        )
    except BaseError as error:
        variables = VARIABLES[bucket.partition(":")[0]]
        raise ConfigError(f"{bucket}: {_first_line(error)}; check {variables}") from None


def ask(bucket: str, key: str, request: Callable[[ObjectStore], Result]) -> Result:
    """Give the result of a request on an object; see `answered` for the errors."""
    with answered(bucket, key):
        for attempt in attempts():
            with attempt:
                return request(connect(bucket))
    raise AssertionError  # the last attempt gives a result or raises


def attempts() -> Iterable[AbstractContextManager[object]]:
    """Give some attempts at a request whose answer may break off."""
    return stamina.retry_context(
        on=_may_pass,
        attempts=_ATTEMPTS,
        timeout=_SECONDS_OF_ATTEMPTS,
        wait_initial=0.1,
        wait_max=1,
    )


def _may_pass(error: Exception) -> bool:
    from obstore.exceptions import GenericError

    text = str(error)
    if _NO_CREDENTIALS.search(text):
        return False
    if isinstance(error, FileNotFoundError):  # an upload that ended, but whose answer was lost
        return "NoSuchUpload" in text
    return isinstance(error, GenericError) and _status_of(error) is None


@contextmanager
def answered(bucket: str, key: str) -> Iterator[None]:
    """Raise `FileNotFoundError` for a missing object, `StorageError` if a request fails."""
    from obstore import exceptions

    place = f"{bucket}/{key}"
    try:
        yield
    except (exceptions.NotFoundError, FileNotFoundError) as error:
        if _NO_BUCKET.search(str(error)):
            raise _no_bucket(bucket) from None
        raise FileNotFoundError(errno.ENOENT, "there is no such object", place) from None
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
        raise  # the condition of a write does not hold
    except (exceptions.BaseError, PermissionError) as error:
        raise _failure(bucket, place, error) from error


def _failure(bucket: str, place: str, error: Exception) -> StorageError:
    if _NO_CREDENTIALS.search(str(error)):
        return StorageError(
            f"{bucket}: there are no credentials that can be used; set "
            f"{VARIABLES[bucket.partition(':')[0]]} in the environment ({_first_line(error)})"
        )
    if isinstance(error, PermissionError) or _status_of(error) in {"401", "403"}:
        return StorageError(
            f"{place}: the storage denies access; check the credentials in the environment, "
            "and their rights on the bucket"
        )
    if _status_of(error) == "404":  # of a list: only the bucket can be missing
        return _no_bucket(bucket)
    return StorageError(
        f"{place}: the storage does not answer ({_first_line(error)}). Finished parts stay; "
        "run the same command again when it does."
    )


def _no_bucket(bucket: str) -> StorageError:
    return StorageError(f"{bucket}: there is no such bucket; create it")


def _status_of(error: Exception) -> str | None:
    """Give the HTTP status of a request that the storage refused; obstore names it in a text."""
    found = _CLIENT_ERROR.search(str(error))
    return found[1] if found else None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
