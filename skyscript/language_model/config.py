"""The model to ask, how fast, and for how much."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from pipeline.errors import ConfigError
from pipeline.stage import EXECUTION, ConfigPath, StageConfig

_NO_KEY = "none"
"""What a client sends to a local server, which asks for no key."""


class Endpoint(NamedTuple):
    """Where to send requests, and the key to send with them."""

    address: str
    model: str
    key: str


class LanguageModelConfig(StageConfig):
    """A model behind an OpenAI-compatible endpoint."""

    base_url: str | None = Field(
        None,
        description="Ask the endpoint at this address, for example http://localhost:8000/v1. By "
        "default, the environment variable OPENAI_BASE_URL gives it.",
        json_schema_extra=EXECUTION,
    )
    model: str | None = Field(
        None,
        description="Ask this model of the endpoint. By default, the environment variable "
        "OPENAI_MODEL gives it.",
    )
    key_variable: str = Field(
        "OPENAI_API_KEY",
        description="Take the key of the account from this environment variable. A local server "
        "needs none.",
        json_schema_extra=EXECUTION,
    )
    temperature: float | None = Field(
        None,
        ge=0,
        le=2,
        description="Sample answers at this temperature. By default, the endpoint decides.",
    )
    limit_by: Literal["max_completion_tokens", "max_tokens"] = Field(
        "max_completion_tokens",
        description="Limit the length of an answer by this parameter. Older servers know only "
        "`max_tokens`.",
        json_schema_extra=EXECUTION,
    )
    at_once: int = Field(
        8,
        ge=1,
        le=256,
        description="Send at most this many requests at once. Fewer are sent while the endpoint "
        "refuses some as too many.",
        json_schema_extra=EXECUTION,
    )
    per_second: float = Field(
        20.0,
        gt=0,
        description="Send at most this many requests a second.",
        json_schema_extra=EXECUTION,
    )
    timeout: float = Field(
        120.0,
        gt=0,
        description="Wait at most this many seconds for an answer.",
        json_schema_extra=EXECUTION,
    )
    input_price: float = Field(
        0.0,
        ge=0,
        description="Compute the cost with this price of a million input tokens, in any currency.",
        json_schema_extra=EXECUTION,
    )
    output_price: float = Field(
        0.0,
        ge=0,
        description="Compute the cost with this price of a million output tokens, in the same "
        "currency.",
        json_schema_extra=EXECUTION,
    )
    budget: float | None = Field(
        None,
        gt=0,
        description="Stop before this command spends more than this, in the currency of the "
        "prices. What was paid for is kept.",
        json_schema_extra=EXECUTION,
    )
    answers: ConfigPath | None = Field(
        None,
        description="Store the answers in this file, so that nothing is paid for twice. By "
        "default, it is answers.sqlite in the output folder.",
        json_schema_extra=EXECUTION,
    )

    @model_validator(mode="after")
    def _check_budget(self) -> LanguageModelConfig:
        if self.budget is not None and not (self.input_price or self.output_price):
            raise ValueError("a budget needs input_price or output_price, to count the cost")
        return self

    def endpoint(self) -> Endpoint:
        """Give the endpoint. Raises `ConfigError` if its address or model is not known."""
        address = self.base_url or os.environ.get("OPENAI_BASE_URL", "")
        model = self.model or os.environ.get("OPENAI_MODEL", "")
        if not address.startswith(("http://", "https://")):
            raise ConfigError(
                f"base_url {address!r}: give the http address of an OpenAI-compatible endpoint, by "
                "--base-url or OPENAI_BASE_URL"
            )
        if not model:
            raise ConfigError("model: name the model to ask, by --model or OPENAI_MODEL")
        return Endpoint(address.rstrip("/"), model, os.environ.get(self.key_variable) or _NO_KEY)
