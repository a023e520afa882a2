"""Short-lived read tokens, as the Planetary Computer gives them without an account."""

from __future__ import annotations

import json
import time
from http.client import HTTPException
from urllib.request import urlopen

from skyscript.imagery.protocol import Problem, TryLater

_USED_FOR = 20 * 60.0
"""Seconds for which a token is used; it is valid for about 45 minutes."""
_TIMEOUT = 30.0


class Signer:
    """A read token, renewed when it is old."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._token, self._since = "", -_USED_FOR

    def token(self) -> str:
        """Give the query string that opens the collection's files; raises `TryLater`."""
        if time.monotonic() - self._since >= _USED_FOR:
            try:
                with urlopen(self._address, timeout=_TIMEOUT) as answer:
                    self._token = str(json.load(answer)["token"])
            except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
                reason = f"no read token from {self._address} ({error})"
                raise TryLater(reason, Problem.CONNECTION) from error
            self._since = time.monotonic()
        return self._token
