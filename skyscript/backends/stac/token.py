"""Short-lived read tokens: the Planetary Computer gives them to anybody who asks."""

from __future__ import annotations

import json
import time
from http.client import HTTPException
from urllib.request import urlopen

from skyscript.imagery.protocol import Problem, TryLater

_KEPT = 20 * 60.0
"""Seconds that a token is used; it holds for about 45 minutes."""
_TIMEOUT = 30.0


class Signer:
    """A token, renewed when it grows old."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._token, self._since = "", -_KEPT

    def token(self) -> str:
        """Give a query string that opens the collection's files."""
        if time.monotonic() - self._since >= _KEPT:
            try:
                with urlopen(self._address, timeout=_TIMEOUT) as answer:
                    self._token = str(json.load(answer)["token"])
            except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
                reason = f"no read token from {self._address} ({error})"
                raise TryLater(reason, Problem.CONNECTION) from error
            self._since = time.monotonic()
        return self._token
