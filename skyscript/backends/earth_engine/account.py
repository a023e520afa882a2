"""The account and project, and the client set up with them: once a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from pipeline.errors import InputError
from pipeline.stage import EXECUTION, ConfigPath, StageConfig
from skyscript.backends.earth_engine.calls import classify
from skyscript.backends.earth_engine.transport import Transport
from skyscript.backends.service.circuit_breaker import Breaker
from skyscript.backends.service.quota import Quota
from skyscript.backends.service.retry import Answer, retry
from skyscript.imagery.protocol import ImageryError
from skyscript.imagery.source_config import ASecond, AtOnce

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

HIGH_VOLUME = "https://earthengine-highvolume.googleapis.com"
_SCOPES = ("https://www.googleapis.com/auth/earthengine",)
_lock = threading.Lock()


def _without_slash(address: str) -> str:
    return address.rstrip("/")


class Account(StageConfig):
    """Everything that a connection needs."""

    project: str = Field(
        min_length=1,
        description="Use this Google Cloud project. It must be registered for Earth Engine.",
        json_schema_extra=EXECUTION,
    )
    service_account: ConfigPath | None = Field(
        None,
        description="Log in with this key file of a service account. By default, the account of "
        "`earthengine authenticate` or the application-default account is used.",
        json_schema_extra=EXECUTION,
    )
    endpoint: Annotated[str, AfterValidator(_without_slash)] = Field(
        HIGH_VOLUME,
        description="Send requests to this address of the service.",
        json_schema_extra=EXECUTION,
    )
    at_once: AtOnce = Field(
        40,
        le=1000,
        description="Send at most this many requests at the same time. The quota of a project is "
        "40 unless it was raised.",
    )
    a_second: ASecond = Field(
        95,
        description="Send at most this many requests a second. The quota of a project is 100 "
        "unless it was raised.",
    )
    longest_answer: float = Field(
        330,
        gt=0,
        description="Give up on an answer after this many seconds. The service itself may take "
        "five minutes.",
        json_schema_extra=EXECUTION,
    )


@dataclass(frozen=True)
class Connection:
    """The client, ready, and what is known of the service's state."""

    ee: Any
    """The module of the official client, which holds one state per process."""
    quota: Quota
    breaker: Breaker

    def retry(self, call: Callable[[], Answer]) -> Answer:
        """Give the answer of a call of the client; `retry` has the rules and the errors."""
        return retry(call, classify, self.breaker)


@lru_cache(maxsize=1)
def _connect(account: Account) -> Connection:
    ee = client()
    credentials = _credentials(ee, account.service_account)
    quota = Quota(f"{account.endpoint} {account.project}", account.at_once, account.a_second)
    transport = Transport(account.endpoint, quota, account.at_once, account.longest_answer)
    ee.Reset()
    # Otherwise the client downloads a list of renamed assets, without a time-out.
    ee.deprecation.deprecated_assets = {"": None}
    ee.data.setMaxRetries(0)
    connection = Connection(ee, quota, Breaker())
    settings = {"url": account.endpoint, "project": account.project, "http_transport": transport}
    try:
        connection.retry(lambda: ee.Initialize(credentials, **settings))
    except ImageryError as error:
        raise InputError(
            f"Earth Engine at {account.endpoint} cannot be used now: {error}. Check the network "
            "and the address, or run the same command again later."
        ) from error
    return connection


def connect(account: Account) -> Connection:
    """Give the client, set up for an account; raises `InputError` if that is not possible.

    A process uses one account at a time: another one replaces it.
    """
    with _lock:
        return _connect(account)


def client() -> Any:  # noqa: ANN401 - the client has no types
    """Import the official client."""
    try:
        import ee
    except ImportError:
        raise InputError(
            "Earth Engine's client is not installed: pip install 'skyscript[ee]'."
        ) from None
    return ee


def _credentials(ee: Any, service_account: Path | None) -> Credentials:  # noqa: ANN401
    from google.auth import credentials, exceptions
    from google.oauth2 import service_account as accounts

    if service_account is not None:
        try:
            return accounts.Credentials.from_service_account_file(  # type: ignore[no-untyped-call,no-any-return]
                service_account, scopes=_SCOPES
            )
        except (OSError, ValueError, exceptions.GoogleAuthError) as error:
            raise InputError(
                f"{service_account}: not the key file of a service account ({error})."
            ) from error
    try:
        found = ee.data.get_persistent_credentials()
    except (ee.EEException, exceptions.GoogleAuthError) as error:
        raise InputError(
            "There is no Earth Engine account on this machine: run `earthengine authenticate`, or "
            "`gcloud auth application-default login`, or name a service account's key file in the "
            "source's `service_account`. Without any account, use a source with `backend: stac`."
        ) from error
    return credentials.with_scopes_if_required(found, _SCOPES)  # type: ignore[no-untyped-call,no-any-return]
