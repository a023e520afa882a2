"""Short-lived read tokens, as the Planetary Computer gives them without an account.

Not by its package `planetary-computer` (1.0.0): its requests have no timeout, so that a service
that hangs stops a thread for good; many threads that need a token ask for it each; it waits for
minutes in its own retries; and it cannot be told that a token was refused.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.request import urlopen

from skyscript.imagery.protocol import Problem, TryLater

_USED_FOR = 20 * 60.0
"""Seconds for which a token is used whose end is not stated."""
_EARLY = 60.0
"""Seconds before a token's end at which it is renewed: a read may take so long."""
_EXPIRY = "msft:expiry"
_TIMEOUT = 30.0


class Signer:
    """A read token, renewed before it ends; safe to share among threads."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._token, self._ends, self._got = "", 0.0, 0.0
        self._lock = threading.Lock()

    def token(self) -> str:
        """Give the query string that opens the collection's files; raises `TryLater`."""
        with self._lock:
            if time.time() >= self._ends:
                try:
                    with urlopen(self._address, timeout=_TIMEOUT) as answer:
                        self._read(json.load(answer))
                except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
                    reason = f"no read token from {self._address} ({error})"
                    raise TryLater(reason, Problem.CONNECTION) from error
            return self._token

    def expire(self, begun: float) -> None:
        """Have the next read ask for a new token: the service refused a read with this one.

        ``begun`` is when the read began (`time.monotonic()`): a newer token was not refused.
        """
        with self._lock:
            if begun >= self._got:
                self._ends = 0.0

    def _read(self, answer: Mapping[str, Any]) -> None:
        token, now = str(answer["token"]), time.time()
        stated = answer.get(_EXPIRY)
        end = now + _USED_FOR
        if stated is not None:
            end = datetime.fromisoformat(str(stated)).timestamp() - _EARLY
        self._token, self._ends, self._got = token, end, time.monotonic()


def signed(href: str, token: str) -> str:
    """Add a token to an address, whose own query stays."""
    return f"{href}{'&' if '?' in href else '?'}{token}"
