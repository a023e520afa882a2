"""Which images of a ranking have the vectors of better ones, compared with all pairs."""

import numpy as np
import pytest

from skyscript.clip.vectors import alike
from skyscript.clip.vectors.alike import find_alike

WIDTH = 48


def vectors(count, copies, seed=0):
    """Give random vectors in a narrow cone, as those of a CLIP; some are noisy copies of others."""
    draw = np.random.default_rng(seed)
    own = draw.normal(size=(count, WIDTH)) + 1.5 * draw.normal(size=WIDTH)
    rows = draw.permutation(count)[:copies]
    own[rows] = own[draw.integers(0, count // 4, copies)] + draw.normal(0, 0.15, (copies, WIDTH))
    return own.astype(np.float16) * draw.uniform(0.5, 2, (count, 1)).astype(np.float16)


def by_all_pairs(table, cosine, most):
    unit = table.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return np.tril(unit @ unit.T >= cosine, -1).sum(axis=1) >= most


def found(table, cosine, most):
    fetched = []

    def fetch(rows):
        fetched.append(len(rows))
        return table[rows].astype(np.float32)

    return find_alike(len(table), fetch, cosine, most), max(fetched, default=0)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_few_images_are_all_compared(most):
    table = vectors(600, 300)
    expected = by_all_pairs(table, 0.97, most)
    assert 10 < expected.sum() < 400
    assert np.array_equal(found(table, 0.97, most)[0], expected)


@pytest.mark.parametrize("most", [1, 2])
def test_of_many_images_nearly_all_copies_are_found_and_no_other(monkeypatch, most):
    monkeypatch.setattr(alike, "_ALL", 500)
    monkeypatch.setattr(alike, "_GROUP", 100)
    monkeypatch.setattr(alike, "_BLOCK", 64)
    table = vectors(4000, 2000)
    expected = by_all_pairs(table, 0.97, most)
    is_copy, fetched = found(table, 0.97, most)
    assert not (is_copy & ~expected).any()
    assert is_copy.sum() > 0.98 * expected.sum() > 100
    assert fetched <= 64  # memory holds blocks only


def test_equal_images_are_one_and_cost_no_comparison_of_all_pairs(monkeypatch):
    monkeypatch.setattr(alike, "_BLOCK", 50)
    table = np.repeat(vectors(1, 0), 5000, axis=0)
    fetches = []

    def fetch(rows):
        fetches.append(len(rows))
        return table[rows].astype(np.float32)

    is_copy = find_alike(5000, fetch, 1.0 - 1e-3, 2)
    assert np.flatnonzero(~is_copy).tolist() == [0, 1]
    assert len(fetches) <= 3 * 5000 / 50


def test_products_of_the_integers_are_exact_in_any_order():
    table = alike._as_integers(vectors(200, 0).astype(np.float32))
    exact = table.astype(np.int64) @ table.astype(np.int64).T
    order = np.random.default_rng(1).permutation(WIDTH)
    for product in (table @ table.T, table[:, order] @ table[:, order].T):
        assert np.array_equal(product.astype(np.int64), exact)


def test_no_image_has_no_copy():
    assert len(find_alike(0, lambda rows: np.zeros((len(rows), 3), np.float32), 0.9, 1)) == 0
