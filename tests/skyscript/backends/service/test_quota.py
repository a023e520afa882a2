"""How many requests at once, as the service's answers teach."""

import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import fmean

import numpy as np
import pytest

from skyscript.backends.service.quota import ENOUGH_SHARE, Quota
from tests.skyscript.backends.service.virtual_service import VirtualService

pytestmark = pytest.mark.slow


FAST = 1e6


@pytest.fixture
def service() -> str:
    return uuid.uuid4().hex


def answered(quota: Quota, count: int) -> None:
    for _ in range(count):
        quota.succeeded()


def test_the_number_grows_with_success_up_to_what_is_allowed(service: str) -> None:
    quota = Quota(service, 40, FAST)
    assert quota.at_once() == 30
    assert Quota(f"{service} small", 5, FAST).at_once() == 5
    answered(quota, 5)
    assert quota.at_once() == 35
    answered(quota, 100)
    assert quota.at_once() == 40


def test_a_few_refusals_cut_it_once_for_all_requests_on_their_way(service: str) -> None:
    quota = Quota(service, 40, FAST)
    answered(quota, 100)
    begun = time.monotonic()
    for _ in range(int(ENOUGH_SHARE * 40) - 1):
        quota.refused(begun)
    assert quota.at_once() == 40  # so few may be chance
    for _ in range(20):
        quota.refused(begun)
    assert quota.at_once() == 20


def test_it_falls_to_what_the_service_is_working_on(service: str) -> None:
    quota = Quota(service, 40, FAST)
    answered(quota, 100)
    with ExitStack() as stack:
        for _ in range(27):
            stack.enter_context(quota.slot())
        for _ in range(10):
            quota.refused(time.monotonic())
    assert quota.at_once() == 27
    answered(quota, 1000)
    assert quota.at_once() == pytest.approx(27, abs=0.5)  # the ceiling rises with time


@pytest.mark.parametrize("cap", [20, 40])
@pytest.mark.parametrize("faults", [0, 0.1, 0.3])
def test_a_thousand_tiles_use_the_quota_from_their_start(
    service: str, monkeypatch: pytest.MonkeyPatch, cap: int, faults: float
) -> None:
    """Of the ideal; the requests against those that failures alone make necessary."""
    shares, requests, tiles = [], [], 1000
    for seed in range(4):
        quota = Quota(f"{service} {seed}", 40, 95)
        done = VirtualService(cap, faults, seed).run(quota, tiles, monkeypatch)
        shares.append(done.share(tiles, cap, faults))
        requests.append(done.answers.total() * (1 - faults) / tiles)
    assert fmean(shares) >= 0.9
    assert fmean(requests) <= (1.02 if cap == 40 else 1.03)


def test_a_restricted_project_gets_little(service: str) -> None:
    quota = Quota(service, 40, FAST)
    answered(quota, 100)
    quota.restrict()
    answered(quota, 100)
    assert quota.at_once() == 4


def test_no_more_requests_at_once_than_slots(service: str) -> None:
    quota, lock = Quota(service, 5, FAST), threading.Lock()
    now, most = 0, 0

    def request(_: int) -> None:
        nonlocal now, most
        with quota.slot():
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.005)
            with lock:
                now -= 1

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(request, range(60)))
    assert most == 5


def test_requests_begin_no_faster_than_the_rate(service: str) -> None:
    quota, begun = Quota(service, 20, 100), []

    def request(_: int) -> None:
        with quota.slot():
            begun.append(time.monotonic())

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(request, range(31)))
    assert max(begun) - min(begun) >= 0.25  # 5 together, then 26 gaps of 10.4 ms, measured late


def test_a_second_has_no_more_requests_than_are_allowed(service: str) -> None:
    quota = Quota(service, 200, 100)
    starts = np.sort([time.monotonic() + quota._wait() for _ in range(300)])
    inside = [np.searchsorted(starts, start + 1) - row for row, start in enumerate(starts)]
    assert max(inside) <= 100


def test_processes_share_slots_and_a_killed_one_lets_go_of_its_own(service: str) -> None:
    program = (
        "import time, sys; from skyscript.backends.service.quota import Quota\n"
        f"with Quota({service!r}, 1, 1e6).slot():\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline() == b"held\n"
    quota = Quota(service, 1, FAST)
    assert quota._free() is None
    other.kill()
    other.wait()
    other.stdout.close()
    with quota.slot():
        pass
