"""Sends requests to an OpenAI-compatible endpoint, with retries and within its quota."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from pipeline.errors import InputError
from skyscript.backends.service.circuit_breaker import Breaker
from skyscript.backends.service.quota import Quota
from skyscript.backends.service.retry import (
    TOO_MANY,
    ErrorClass,
    Outcome,
    first_line,
    retry,
)
from skyscript.imagery.protocol import Problem
from skyscript.language_model.answers import Answer, Request
from skyscript.language_model.config import LanguageModelConfig

if TYPE_CHECKING:
    from openai import APIStatusError
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

INSTALL = "a language model needs the official client: pip install 'skyscript[llm]'"
LONGEST_WAIT = 120.0
"""Seconds; an endpoint that asks for more is asked again after this."""


class _Damaged(Exception):
    """An answer without the fields of one."""


class LanguageModel:
    """A model of an endpoint; threads can share it."""

    def __init__(
        self, config: LanguageModelConfig, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Make the client. Raises `ConfigError` or `InputError` if something is missing for it."""
        try:
            import openai
        except ImportError:
            raise InputError(INSTALL) from None
        where = config.endpoint()
        self.config, self.model = config, where.model
        self.asked_of = f"{where.address} {where.model} {config.temperature}"
        """Names the model in the file of answers."""
        self._client = openai.OpenAI(
            base_url=where.address, api_key=where.key, timeout=config.timeout, max_retries=0
        )
        self._quota = Quota(where.address, config.at_once, config.per_second)
        self._breaker, self._sleep = Breaker(), sleep
        self._told = threading.local()

    def __enter__(self) -> Self:
        """Give the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, request: Request) -> Answer:
        """Give the model's answer.

        Raises `TryLater` if the endpoint did not answer after several attempts, `NeverAvailable`
        if it refuses this request, and `InputError` if it will answer none.
        """
        return retry(lambda: self._ask(request), self._classify, self._breaker, self._pause)

    def _ask(self, request: Request) -> Answer:
        import openai

        with self._quota.slot():
            begun = time.monotonic()
            try:
                reply = self._send(request)
            except openai.RateLimitError:
                self._quota.refused(begun)
                raise
        self._quota.succeeded()
        return _answer(reply)

    def _send(self, request: Request) -> ChatCompletion:
        given: dict[str, Any] = {self.config.limit_by: request.most_tokens, "seed": request.seed}
        if self.config.temperature is not None:
            given["temperature"] = self.config.temperature
        reply: ChatCompletion = self._client.chat.completions.create(
            model=self.model,
            messages=_messages(request),
            extra_headers={"Idempotency-Key": request.key(self.asked_of)},
            **given,
        )
        return reply

    def _pause(self, drawn: float) -> None:
        wait = max(drawn, getattr(self._told, "wait", 0.0))
        self._told.wait = 0.0
        self._sleep(min(wait, LONGEST_WAIT))

    def _classify(self, error: Exception) -> Outcome:
        import openai

        if isinstance(error, openai.APIStatusError):
            self._told.wait = _retry_after(error)
            return _outcome(error, self.model)
        if isinstance(error, openai.APITimeoutError):
            return Outcome(
                ErrorClass.TRANSIENT, Problem.TIMEOUT, "the endpoint did not answer in time"
            )
        if isinstance(error, openai.APIConnectionError):
            return Outcome(
                ErrorClass.TRANSIENT, Problem.CONNECTION, "no connection to the endpoint"
            )
        # Not JSON, or JSON of another form: the client passes on what its parsers raise.
        damaged = (openai.APIError, _Damaged, ValueError, TypeError, AttributeError)
        if isinstance(error, damaged):
            return Outcome(
                ErrorClass.TRANSIENT, Problem.DAMAGED, "the endpoint's answer is damaged"
            )
        raise error


def _outcome(error: APIStatusError, model: str) -> Outcome:
    status = error.status_code
    said = first_line(error.message.removeprefix(f"Error code: {status} - "))
    if status == TOO_MANY:
        if error.code == "insufficient_quota":
            reason = f"The account has no money left ({said})."
            return Outcome(ErrorClass.FATAL, Problem.REFUSED, reason, status)
        return Outcome(
            ErrorClass.TRANSIENT, Problem.BUSY, "the endpoint got too many requests", status
        )
    if status >= 500 or status in (408, 409):
        return Outcome(
            ErrorClass.TRANSIENT, Problem.DOWN, f"the endpoint failed ({status})", status
        )
    if status in (401, 403):
        reason = f"The endpoint refuses the key ({said}): see key_variable."
        return Outcome(ErrorClass.FATAL, Problem.REFUSED, reason, status)
    if status == 404:
        reason = f"The endpoint has no model {model!r}, or another address ({said})."
        return Outcome(ErrorClass.FATAL, Problem.MISSING, reason, status)
    return Outcome(
        ErrorClass.PERMANENT, Problem.REFUSED, f"the endpoint refuses it ({said})", status
    )


def _retry_after(error: APIStatusError) -> float:
    text = error.response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else 0.0


def _messages(request: Request) -> list[ChatCompletionMessageParam]:
    asked: Any = request.text
    if request.image is not None:
        data = base64.b64encode(request.image).decode()
        picture = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
        asked = [picture, {"type": "text", "text": request.text}]
    return [{"role": "system", "content": request.rules}, {"role": "user", "content": asked}]


def _answer(reply: ChatCompletion) -> Answer:
    """Check a reply: the client builds its values without checking them."""
    if not isinstance(reply.choices, list) or not reply.choices:
        raise _Damaged
    text = reply.choices[0].message.content
    counted = [getattr(reply.usage, name, 0) for name in ("prompt_tokens", "completion_tokens")]
    tokens = [number if isinstance(number, int) and number > 0 else 0 for number in counted]
    if text is not None and not isinstance(text, str):
        raise _Damaged
    return Answer(text or "", *tokens)
