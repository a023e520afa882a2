"""The intervals of figures, beside those that a formula gives."""

import numpy as np
import pytest

from tag_vocab.intervals import Intervals, as_text, intervals


def tags(number):
    """Give tags of which half are visible; 80 % are called right, in no order."""
    random = np.random.default_rng(3)
    truth = random.permutation(np.arange(number) % 2 * 3 - 1)
    right = random.permutation(np.arange(number) % 5 > 0)
    said = np.where(right, truth >= 0, truth < 0).astype(np.int64)
    step = np.where(truth >= 0, np.where(right, truth, truth - 1), -1)
    return truth, said, step


@pytest.mark.slow
def test_an_interval_of_a_share_is_that_of_the_normal_distribution():
    truth, said, step = tags(2000)
    found = intervals(truth, said, step, np.arange(2000))
    seen = truth >= 0
    exact = np.mean(truth[seen] == step[seen])
    half = 1.96 * np.sqrt(exact * (1 - exact) / seen.sum())
    assert found.exact == pytest.approx((exact - half, exact + half), abs=0.004)
    assert found.within_one == (1, 1)
    balanced = (np.mean(said[seen]) + np.mean(said[~seen] == 0)) / 2
    assert found.balanced[0] < balanced < found.balanced[1]


@pytest.mark.slow
def test_tags_of_a_key_count_as_one_if_they_are_all_alike():
    truth, said, step = tags(100)
    one = intervals(truth, said, step, np.arange(100))
    copies = [np.repeat(column, 20) for column in (truth, said, step)]
    by_key = intervals(*copies, np.repeat(np.arange(100), 20))
    by_tag = intervals(*copies, np.arange(2000))
    assert by_key.f1 == pytest.approx(one.f1)
    assert np.diff(by_tag.f1) < np.diff(by_key.f1) / 3


def test_intervals_are_the_same_each_time_and_said_in_words():
    once, twice = (intervals(*tags(50), np.arange(50)) for _ in range(2))
    assert once == twice
    said = as_text(Intervals((0.8, 0.9), (0.7, 0.75), (0.5, 0.6), (0.9, 1.0)))
    assert said == (
        "balanced accuracy 0.800 to 0.900, F1 0.700 to 0.750, GSD exact 0.500 to 0.600, "
        "within one step 0.900 to 1.000"
    )
