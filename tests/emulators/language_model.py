"""An OpenAI-compatible endpoint: answers chat completions as a test says, and goes wrong.

Strict: it knows only the parameters that we send, and refuses another key or model.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.emulators.faults import BROKEN, Faults
from tests.emulators.server import Broken, Emulator, Handler

KEY, MODEL = "the-key", "vision-1"
_KNOWN = {"model", "messages", "seed", "max_completion_tokens", "max_tokens", "temperature"}
_JSON = "application/json"


class Asked(NamedTuple):
    """A request as the model sees it."""

    rules: str
    text: str
    image: bytes | None
    seed: int


class Endpoint(Emulator):
    """The emulated endpoint; ``answer`` is its model."""

    def __init__(self, answer: Callable[[Asked], str], faults: Faults | None = None) -> None:
        super().__init__(_Handler, faults)
        self.answer = answer
        self.address = f"{self.url}/v1"
        self.paid: list[Asked] = []
        """The requests that were answered with 200, each of which costs money."""
        self.keys: set[str] = set()
        self.retry_after: str | None = None
        self.replays = False
        """Whether it gives the answer of an earlier request of the same `Idempotency-Key`."""
        self.replies: dict[str, bytes] = {}
        self.lock = threading.Lock()
        self.tokens_in = self.tokens_out = 0

    def options(self, **more: Any) -> dict[str, Any]:
        """Give the fields of a config that asks this endpoint."""
        return {"base_url": self.address, "model": MODEL, "per_second": 10_000.0, **more}


def count_tokens(text: str) -> int:
    """Count tokens as this endpoint does: a word or a mark is one, long words are several."""
    return sum(1 + len(word) // 7 for word in text.split())


class _Handler(Handler):
    def do_POST(self) -> None:
        service, body = self.server.service, json.loads(self.body())
        service.keys.add(self.headers.get("Authorization", ""))
        with service.desk.admitted() as admitted:
            time.sleep(service.faults.latency)
            fault = service.desk.fault() if admitted else "429"
            self._reply(body, fault)

    def _reply(self, body: dict[str, Any], fault: str | None) -> None:
        service = self.server.service
        if self.path != "/v1/chat/completions":
            return self._refuse(404, "no such path", "not_found")
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return self._refuse(401, "Incorrect API key provided.", "invalid_api_key")
        if body["model"] != MODEL:
            return self._refuse(404, f"The model {body['model']!r} does not exist.", "no_model")
        if unknown := body.keys() - _KNOWN:
            return self._refuse(400, f"Unknown parameter: {sorted(unknown)[0]}", "unknown")
        if fault and fault.isdigit():
            return self._refuse(int(fault), "not now", "insufficient" if fault == "429" else "down")
        if fault == "insufficient_quota":
            return self._refuse(429, "You exceeded your current quota.", fault)
        given = self.headers["Idempotency-Key"]
        if service.replays and given in service.replies:
            return self.send(200, _JSON, service.replies[given], {})
        asked = _read(body)
        reply = service.answer(asked)
        data = json.dumps(self._completion(asked, reply)).encode()
        if fault in BROKEN:
            return self.go_wrong(Broken(fault, _JSON, data), 200, {})
        if fault == "page":
            return self.send(200, "text/html", b"<html>Welcome to nginx!</html>", {})
        if fault == "empty":
            return self.send_json(200, {"id": "x", "object": "chat.completion"}, {})
        with service.lock:
            service.paid.append(asked)
            service.replies[given] = data
        service.desk.note("completions", 200, time.monotonic())
        return self.send(200, _JSON, data, {})

    def _completion(self, asked: Asked, reply: str) -> dict[str, Any]:
        service = self.server.service
        tokens_in = count_tokens(asked.rules) + count_tokens(asked.text)
        tokens_in += 85 if asked.image else 0
        tokens_out = count_tokens(reply)
        with service.lock:
            service.tokens_in += tokens_in
            service.tokens_out += tokens_out
        message = {"role": "assistant", "content": reply}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": tokens_in,
                "completion_tokens": tokens_out,
                "total_tokens": tokens_in + tokens_out,
            },
        }

    def _refuse(self, status: int, message: str, code: str) -> None:
        service = self.server.service
        service.desk.note("completions", status, time.monotonic())
        error = {"message": message, "type": "error", "param": None, "code": code}
        wait = service.retry_after
        fields = {"Retry-After": wait} if wait and status == 429 else {}
        self.send_json(status, {"error": error}, fields)


def _read(body: dict[str, Any]) -> Asked:
    rules, user = body["messages"]
    assert (rules["role"], user["role"]) == ("system", "user")
    content, image = user["content"], None
    if isinstance(content, list):
        picture, words = content
        head, _, data = picture["image_url"]["url"].partition(",")
        assert head == "data:image/jpeg;base64"
        content, image = words["text"], base64.b64decode(data)
    return Asked(rules["content"], content, image, body.get("seed", 0))
