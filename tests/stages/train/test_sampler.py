"""Which rows make which batch."""

from collections import Counter

import numpy as np
import pytest

from pipeline.errors import ConfigError
from stages.train.sampler import Batches, Split


def batches(texts, kind="shuffled", split=(4, 1, 1, 0), epochs=3, seed=0):
    return Batches(np.asarray(texts, np.int32), Split(*split), epochs, seed, kind)


def repeated(rows=240, distinct=30):
    """Texts as skewed as captions are."""
    draw = np.random.default_rng(0)
    return np.sort(draw.zipf(1.5, rows) % distinct)


@pytest.mark.parametrize("kind", ["shuffled", "distinct-texts"])
def test_an_epoch_sees_every_row_once_in_an_order_of_its_own(kind):
    found = list(batches(range(24), kind))
    epochs = [found[at : at + 6] for at in (0, 6, 12)]
    for number, epoch in enumerate(epochs):
        assert {at for batch in epoch for at, _ in batch} == {number}
        assert sorted(row for batch in epoch for _, row in batch) == list(range(24))
    orders = [[row for batch in epoch for _, row in batch] for epoch in epochs]
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize("kind", ["shuffled", "distinct-texts"])
def test_what_fills_no_step_is_left_out_another_each_time(kind):
    found = batches(range(27), kind)
    assert found.steps == 6
    left = [set(range(27)) - set(found.order(epoch).ravel().tolist()) for epoch in range(8)]
    assert all(len(rows) == 3 for rows in left)
    assert len(set().union(*left)) > 8


@pytest.mark.parametrize("kind", ["shuffled", "distinct-texts"])
@pytest.mark.parametrize("begin", [0, 1, 5, 6, 7, 17, 18])
def test_begun_anywhere_it_goes_on_as_if_never_stopped(kind, begin):
    whole = list(batches(repeated(24), kind))
    later = batches(repeated(24), kind)
    later.start = begin
    assert list(later) == whole[begin:]
    assert len(later) == len(whole) - begin


def test_devices_and_accumulated_batches_share_one_step_between_them():
    texts = repeated(48)
    one = [sorted(batch) for batch in batches(texts, split=(8, 1, 1, 0))]
    shares = [list(batches(texts, split=(2, 2, 2, rank))) for rank in range(2)]
    for step, whole in enumerate(one):
        parts = [share[2 * step + accum] for share in shares for accum in range(2)]
        assert sorted(key for part in parts for key in part) == whole


def test_no_text_stands_twice_in_a_batch_where_there_are_batches_enough():
    texts = repeated()
    found = batches(texts, "distinct-texts", (6, 1, 1, 0))
    often = Counter(texts.tolist())
    for epoch in range(3):
        order = found.order(epoch)
        for batch in order:
            for text, count in Counter(texts[batch].tolist()).items():
                assert count <= -(-often[text] // found.steps)
    twice = sum(len(batch) - len(set(texts[batch])) for batch in found.order(0))
    plain = batches(texts, "shuffled", (6, 1, 1, 0)).order(0)
    assert twice < sum(len(batch) - len(set(texts[batch])) for batch in plain)


def test_distinct_texts_are_distinct_over_all_devices_too():
    texts = np.repeat(np.arange(40), 6)  # 6 of each, and 6 steps: none need stand twice
    shares = [list(batches(texts, "distinct-texts", (10, 2, 2, rank))) for rank in range(2)]
    for step in range(6):
        parts = [share[2 * step + accum] for share in shares for accum in range(2)]
        rows = [row for part in parts for _, row in part]
        assert len({texts[row] for row in rows}) == 40


def test_a_step_larger_than_the_data_is_refused():
    with pytest.raises(ConfigError, match="a step takes 32 pairs, and there are only 24"):
        batches(range(24), split=(4, 2, 4, 0))
