"""The interval of a stratified precision holds the truth as often as it says."""

import numpy as np
import pytest
from pydantic import ValidationError

from stages.judged import JudgedConfig
from stages.judged.precision import Verdict, precision
from stages.judged.sample import Stratum, allocate

WORLDS = {
    "one stratum, nearly all right": ([100_000], [0.96]),
    "one stratum, half right": ([100_000], [0.5]),
    "equal strata": ([1_000] * 40, [0.96] * 40),
    "a large good one, small bad ones": ([200_000] + [300] * 60, [0.98] + [0.6] * 60),
    "a large bad one, small good ones": ([200_000] + [300] * 60, [0.6] + [0.99] * 60),
    "long tail": (
        [int(2e5 / n**1.2) + 2 for n in range(1, 150)],
        [0.7 + 0.3 * ((7 * n) % 13) / 13 for n in range(1, 150)],
    ),
}


def judged(sizes: list[int], shares: list[float], sample: int, seed: int) -> list[Verdict]:
    """Judge a sample of a world by a judge who is right in the given shares."""
    random = np.random.default_rng(seed)
    strata = {Stratum(str(n), "A", "1 to 2 m"): size for n, size in enumerate(sizes)}
    found = []
    for (stratum, count), share in zip(allocate(strata, sample).items(), shares, strict=True):
        right = random.random(count) < share
        found += [Verdict(bool(one), strata[stratum] / count, stratum) for one in right]
    return found


def covered(world: str, sample: int, runs: int) -> float:
    sizes, shares = WORLDS[world]
    truth = float(np.average(shares, weights=sizes))
    found = (precision(judged(sizes, shares, sample, seed), 0.95) for seed in range(runs))
    return sum(one.low <= truth <= one.high for one in found) / runs


@pytest.mark.parametrize("world", ["equal strata", "long tail"])
def test_the_interval_covers_the_truth_in_200_runs(world: str) -> None:
    assert covered(world, 300, 200) >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize("sample", [300, 1_000])
@pytest.mark.parametrize("world", WORLDS)
def test_the_interval_covers_the_truth_in_every_world(world: str, sample: int) -> None:
    assert covered(world, sample, 1_000) >= 0.94


def test_weights_decide_the_precision() -> None:
    found = precision([Verdict(True, 90, "a"), Verdict(False, 10, "b")], 0.95)
    assert found.value == pytest.approx(0.9)
    assert found.low < 0.5


@pytest.mark.parametrize("right", [True, False])
def test_verdicts_that_all_agree_leave_some_doubt(right: bool) -> None:
    found = precision([Verdict(right, 1, "a")] * 100, 0.95)
    assert found.value == right
    assert found.low == (pytest.approx(0.954, abs=0.002) if right else 0)
    assert found.high == (1 if right else pytest.approx(0.046, abs=0.002))


def test_rare_strata_get_more_than_their_share() -> None:
    sizes = {Stratum(name, "A", ""): size for name, size in {"a": 10_000, "b": 100, "c": 3}.items()}
    given = allocate(sizes, 220)
    assert list(given.values()) == [197, 20, 3]
    assert list(allocate(sizes, 100_000).values()) == [10_000, 100, 3]


@pytest.mark.parametrize("confidence", [0.5, 1])
def test_no_interval_is_sure_and_none_is_a_coin(confidence: float) -> None:
    with pytest.raises(ValidationError, match="confidence"):
        JudgedConfig(confidence=confidence)
