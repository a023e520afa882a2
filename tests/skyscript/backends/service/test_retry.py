"""Retries for transient service errors: what each class of error leads to."""

from collections.abc import Callable

import pytest

from pipeline.errors import InputError
from skyscript.backends.service import retry as retrying
from skyscript.backends.service.circuit_breaker import Breaker
from skyscript.backends.service.retry import (
    ErrorClass,
    Outcome,
    count_attempts,
    longest_wait,
    retry,
)
from skyscript.imagery.protocol import NeverAvailable, Problem, TryLater


class Fault(Exception):
    """An error of the given class."""

    def __init__(self, error_class: ErrorClass, problem: Problem = Problem.DOWN) -> None:
        super().__init__(error_class.name.lower())
        self.outcome = Outcome(error_class, problem, str(self), 503)


PASSING = Fault(ErrorClass.TRANSIENT)
HEAVY = Fault(ErrorClass.HEAVY, Problem.TOO_HEAVY)
NEVER = Fault(ErrorClass.PERMANENT, Problem.MISSING)
FATAL = Fault(ErrorClass.FATAL, Problem.REFUSED)


def classify(error: Exception) -> Outcome:
    if isinstance(error, Fault):
        return error.outcome
    raise error


def calls(*faults: Exception) -> Callable[[], str]:
    """Give a call that fails with each fault in turn, then answers."""
    left = list(faults)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return call


def attempt(*faults: Exception, breaker: Breaker | None = None) -> tuple[str, list[float]]:
    waits: list[float] = []
    return retry(calls(*faults), classify, breaker or Breaker(), waits.append), waits


def test_a_transient_error_is_tried_again_after_growing_waits() -> None:
    answer, waits = attempt(*[PASSING] * 5)
    assert answer == "answer"
    bounds = [retrying.FIRST_WAIT * 2**number for number in range(5)]
    assert all(0 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))


def test_waits_are_short_while_most_requests_succeed_and_long_in_an_outage() -> None:
    well, down = Breaker(), Breaker(share=1.0)
    for _ in range(200):
        well.note(False)
        down.note(True)
    bounds = [[longest_wait(attempt, breaker) for attempt in (1, 2, 7)] for breaker in (well, down)]
    assert bounds == [pytest.approx([0.05, 0.1, 3.0]), pytest.approx([0.5, 1.0, 30.0])]


@pytest.mark.parametrize(
    ("faults", "attempts", "error", "message"),
    [
        ([PASSING] * 6, 6, TryLater, "transient, 6 times"),
        ([HEAVY] * 2, 2, TryLater, "heavy, 2 times"),
        ([PASSING, PASSING, HEAVY, HEAVY], 4, TryLater, "heavy, 4 times"),
        ([PASSING, NEVER], 2, NeverAvailable, "permanent"),
        ([FATAL], 1, InputError, "fatal"),
        ([ZeroDivisionError("a defect")], 1, ZeroDivisionError, "a defect"),
    ],
)
def test_an_error_that_stays_ends_as_its_class_says(
    faults: list[Exception], attempts: int, error: type[Exception], message: str
) -> None:
    with count_attempts() as tally, pytest.raises(error, match=f"^{message}$"):
        attempt(*faults, PASSING)
    assert tally.attempts == attempts


def test_a_heavy_request_that_works_the_second_time_is_answered() -> None:
    assert attempt(PASSING, PASSING, PASSING, HEAVY)[0] == "answer"


def test_only_outages_open_the_circuit_breaker() -> None:
    breaker = Breaker(window=4)
    for fault in (HEAVY, Fault(ErrorClass.TRANSIENT, Problem.BUSY)) * 4:
        attempt(fault, breaker=breaker)
    with pytest.raises(InputError, match="of the last 4 requests failed"):
        attempt(*[PASSING] * 5, breaker=breaker)


def test_hardly_anything_but_too_many_requests_opens_the_circuit_breaker() -> None:
    busy = Fault(ErrorClass.TRANSIENT, Problem.BUSY)
    breaker = Breaker(window=6)
    with pytest.raises(InputError, match=r"12 of the last 12 requests were too many .* used up"):
        for _ in range(9):
            with pytest.raises(TryLater):
                attempt(*[busy] * 6, breaker=breaker)


def test_other_clients_get_the_same_policy() -> None:
    policy = retrying.http_retries()
    assert policy.total == retrying.ATTEMPTS - 1
    assert 429 in policy.status_forcelist
    codes = retrying.gdal_retries()["GDAL_HTTP_RETRY_CODES"].split(",")
    assert codes == ["500", "502", "503", "504"]  # the quota must learn of 429
