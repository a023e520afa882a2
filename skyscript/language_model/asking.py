"""Asks many requests at once; each is answered from the file of answers, or paid for once."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from skyscript.imagery.protocol import NeverAvailable, TryLater
from skyscript.language_model.answers import Answer, Answers, Request
from skyscript.language_model.client import LanguageModel
from skyscript.language_model.cost import ENOUGH, Ledger, estimate

_AHEAD = 4
"""Requests in line for each that is on its way."""


_PILOT = 2 * ENOUGH
"""Requests whose answers tell the cost of the others: spread over all, for they may be sorted."""


class NoAnswer(NamedTuple):
    """Why a request has no answer."""

    reason: str


def ask_all(
    requests: Iterable[Request], model: LanguageModel, answers: Answers, ledger: Ledger
) -> Iterator[Answer | NoAnswer]:
    """Yield the answer to each request, in order.

    An answer is stored as soon as it arrives. Equal requests are sent once. Raises `InputError` if
    the budget is used up or no request can be answered; what is on its way is still stored.
    """
    waiting: deque[tuple[str, Future[Answer | NoAnswer]]] = deque()
    on_their_way: dict[str, Future[Answer | NoAnswer]] = {}
    pool = ThreadPoolExecutor(model.config.at_once)
    try:
        for request in requests:
            key = request.key(model.asked_of)
            if key not in on_their_way:
                on_their_way[key] = pool.submit(_ask, key, request, model, answers, ledger)
            waiting.append((key, on_their_way[key]))
            if len(waiting) > _AHEAD * model.config.at_once:
                yield _next(waiting, on_their_way)
        while waiting:
            yield _next(waiting, on_their_way)
    finally:
        pool.shutdown(cancel_futures=True)


def announce(
    requests: Callable[[], Iterable[Request]],
    model: LanguageModel,
    answers: Answers,
    ledger: Ledger,
    say: Callable[[str], object],
) -> None:
    """Say what requests will cost: by a rule of thumb, then from the answers to some of them.

    ``requests`` gives them from the first one on, each time that it is called.
    """
    cost = estimate(requests(), answers, model.asked_of, model.config)
    say(cost.line("answers to pay for"))
    if cost.measured or cost.requests <= _PILOT:
        return
    some = itertools.islice(requests(), 0, None, -(-cost.requests // _PILOT))
    deque(ask_all(some, model, answers, ledger), maxlen=0)
    cost = estimate(requests(), answers, model.asked_of, model.config)
    say(cost.line("answers still to pay for"))


def _next(
    waiting: deque[tuple[str, Future[Answer | NoAnswer]]],
    on_their_way: dict[str, Future[Answer | NoAnswer]],
) -> Answer | NoAnswer:
    key, future = waiting.popleft()
    answer = future.result()
    on_their_way.pop(key, None)  # from now on, the file of answers has it
    return answer


def _ask(
    key: str, request: Request, model: LanguageModel, answers: Answers, ledger: Ledger
) -> Answer | NoAnswer:
    if found := answers.find(key):
        return found
    reserved = ledger.reserve(request)
    answer: Answer | None = None
    try:
        answer = model.ask(request)
        answers.store(model.asked_of, request, answer)
    except (NeverAvailable, TryLater) as error:
        return NoAnswer(str(error))
    finally:
        ledger.settle(reserved, answer)
    return answer
