"""Tokens and cost: an estimate before, a count after, and the budget between."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.errors import InputError
from skyscript.language_model.answers import Answer, Answers, Request, Totals
from skyscript.language_model.config import LanguageModelConfig

CHARACTERS = 4.0
"""Characters of English in a token, while nothing better is known."""
IMAGE = 1_000
"""Tokens of an image, while nothing better is known."""
ENOUGH = 20
"""Stored answers from which the lengths of others are predicted."""
_MILLION = 1e6


class Cost(NamedTuple):
    """Requests and what they cost."""

    requests: int
    input_tokens: float
    output_tokens: float
    money: float
    measured: bool = True
    """Whether it rests on answers of this model, and not on a rule of thumb."""

    def line(self, what: str) -> str:
        """Describe it in a line for the terminal."""
        money = f", cost {self.money:,.4g}" if self.money else ""
        doubt = "" if self.measured else " (a rule of thumb: no answers yet to measure)"
        return (
            f"{self.requests:>10,}  {what}: {self.input_tokens:,.0f} tokens in, "
            f"{self.output_tokens:,.0f} out{money}{doubt}"
        )


def estimate(
    requests: Iterable[Request], answers: Answers, asked_of: str, config: LanguageModelConfig
) -> Cost:
    """Estimate the cost of the requests that have no stored answer."""
    rates: dict[str, _Rate] = {}
    count, given, said = 0, 0.0, 0.0
    measured = True
    for request in requests:
        if answers.find(request.key(asked_of)):
            continue
        rate = rates.get(request.task)
        if rate is None:
            rate = _Rate.of(answers.totals(asked_of, request.task))
            rates[request.task] = rate
        count += 1
        given += rate.input_of(request)
        said += rate.said if rate.said is not None else request.most_tokens / 2
        measured = measured and rate.said is not None
    return Cost(count, given, said, _money(given, said, config), measured)


class _Rate(NamedTuple):
    """What requests of a task cost: tokens for each character or request."""

    each_character: float = 1 / CHARACTERS
    each_image: float = IMAGE
    said: float | None = None

    @classmethod
    def of(cls, known: Totals) -> _Rate:
        if known.answers < ENOUGH:
            return cls()
        if not known.images:
            each = known.input_tokens / max(1, known.characters)
            return cls(each, IMAGE, known.output_tokens / known.answers)
        # With images, the text is the small part of it.
        rest = max(0.0, known.input_tokens - known.characters / CHARACTERS)
        return cls(1 / CHARACTERS, rest / known.images, known.output_tokens / known.answers)

    def input_of(self, request: Request) -> float:
        return self.each_character * request.characters + self.each_image * bool(request.image)


def _money(given: float, said: float, config: LanguageModelConfig) -> float:
    return (given * config.input_price + said * config.output_price) / _MILLION


class Ledger:
    """Counts what a command spends, and keeps it within the budget; threads can share it."""

    def __init__(self, config: LanguageModelConfig, rate: Totals) -> None:
        self._config, self._rate = config, _Rate.of(rate)
        self._requests, self._given, self._said = 0, 0, 0
        self._reserved = 0.0
        self._settled = threading.Condition()

    def reserve(self, request: Request) -> float:
        """Set aside what a request may cost at most, as soon as there is enough.

        Raises `InputError` if there never will be.
        """
        most = _money(self._rate.input_of(request), request.most_tokens, self._config)
        budget = self._config.budget
        with self._settled:
            while budget is not None and self._spent() + self._reserved + most > budget:
                if not self._reserved:
                    raise InputError(
                        f"The budget of {budget:g} is used up: {self._requests:,} answers cost "
                        f"{self._spent():.4g}. They are kept; raise the budget and run the same "
                        "command again."
                    )
                self._settled.wait()
            self._reserved += most
        return most

    def settle(self, reserved: float, answer: Answer | None) -> None:
        """Count what a request did cost."""
        with self._settled:
            # Without rounding left over: nothing on its way is exactly nothing reserved.
            self._reserved = max(0.0, self._reserved - reserved)
            if self._reserved < reserved * 1e-9:
                self._reserved = 0.0
            if answer:
                self._requests += 1
                self._given += answer.input_tokens
                self._said += answer.output_tokens
            self._settled.notify_all()

    def cost(self) -> Cost:
        """Give what was spent so far."""
        return Cost(self._requests, self._given, self._said, self._spent())

    def _spent(self) -> float:
        return _money(self._given, self._said, self._config)
