"""Image hashes that differ in few bits from one of another set."""

import numpy as np
import pytest

from skyscript.clip.vectors import copies
from skyscript.clip.vectors.copies import are_near


@pytest.fixture
def draw():
    return np.random.default_rng(0)


def numbers(draw, count):
    return draw.integers(0, 1 << 63, count, dtype=np.uint64)


def flipped(draw, hashes, bits):
    """Give each hash with so many other bits."""
    chosen = [draw.choice(64, bits, replace=False) for _ in hashes]
    masks = [sum(1 << int(bit) for bit in places) for places in chosen]
    return hashes ^ np.array(masks, np.uint64)


@pytest.mark.parametrize("near", [0, 1, 3])
@pytest.mark.parametrize("at_once", [1, 50, 1 << 16])
def test_near_hashes_are_those_that_a_comparison_of_all_finds(draw, monkeypatch, near, at_once):
    monkeypatch.setattr(copies, "_AT_ONCE", at_once)
    others = np.concatenate([numbers(draw, 40), np.zeros(3, np.uint64)])
    parts = [flipped(draw, others, bits) for bits in range(6)]
    hashes = np.concatenate([*parts, numbers(draw, 500)])
    distances = np.bitwise_count(hashes[:, None] ^ others[None, :]).min(axis=1)
    assert np.array_equal(are_near(hashes, others, near), distances <= near)
    assert 0 < are_near(hashes, others, near).sum() < len(hashes)


def test_no_hash_is_near_one_of_an_empty_set(draw):
    assert not are_near(numbers(draw, 5), np.empty(0, np.uint64), 3).any()
