"""Sends many requests in parallel; each answer is stored already, or paid for once."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from skyscript.imagery.protocol import NeverAvailable, TryLater
from skyscript.language_model.answers import ANSWERS, Answer, Answers, Request
from skyscript.language_model.client import LanguageModel
from skyscript.language_model.config import LanguageModelConfig
from skyscript.language_model.cost import ENOUGH, Ledger, estimate

_AHEAD = 4
"""Requests in line for each that is on its way."""
_PILOT = 2 * ENOUGH
"""Requests whose answers tell the cost of the others: spread over all, for they may be sorted."""


class Session(NamedTuple):
    """A model, the file of its answers, and the count of what they cost."""

    model: LanguageModel
    answers: Answers
    ledger: Ledger


@contextmanager
def open_session(config: LanguageModelConfig, out: Path, task: str) -> Iterator[Session]:
    """Open a model and its file of answers, by default in ``out``.

    The answers to the requests of ``task`` tell what a request may cost.
    """
    with LanguageModel(config) as model, Answers(config.answers or out / ANSWERS) as answers:
        yield Session(model, answers, Ledger(config, answers.totals(model.asked_of, task)))


class NoAnswer(NamedTuple):
    """Why a request has no answer."""

    reason: str


def ask_all(requests: Iterable[Request], session: Session) -> Iterator[Answer | NoAnswer]:
    """Yield the answer to each request, in order.

    An answer is stored as soon as it arrives. Equal requests are sent once. Raises `InputError` if
    the budget is used up or no request can be answered; what is on its way is still stored.
    """
    model = session.model
    waiting: deque[tuple[str, Future[Answer | NoAnswer]]] = deque()
    on_their_way: dict[str, Future[Answer | NoAnswer]] = {}
    pool = ThreadPoolExecutor(model.config.at_once)
    try:
        for request in requests:
            key = request.key(model.asked_of)
            if key not in on_their_way:
                on_their_way[key] = pool.submit(_ask, key, request, session)
            waiting.append((key, on_their_way[key]))
            if len(waiting) > _AHEAD * model.config.at_once:
                yield _next(waiting, on_their_way)
        while waiting:
            yield _next(waiting, on_their_way)
    finally:
        pool.shutdown(cancel_futures=True)


def announce(
    requests: Callable[[], Iterable[Request]], session: Session, say: Callable[[str], object]
) -> None:
    """Say what requests will cost: by a rule of thumb, then from the answers to some of them.

    ``requests`` gives them from the first one on, each time that it is called.
    """
    model, answers, _ = session
    cost = estimate(requests(), answers, model.asked_of, model.config)
    say(cost.line("answers to pay for"))
    if cost.measured or cost.requests <= _PILOT:
        return
    some = itertools.islice(requests(), 0, None, -(-cost.requests // _PILOT))
    deque(ask_all(some, session), maxlen=0)
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


def _ask(key: str, request: Request, session: Session) -> Answer | NoAnswer:
    model, answers, ledger = session
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
