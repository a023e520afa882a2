"""The linear probe: its split, and its fit in closed form."""

import numpy as np
import pytest

from skyscript.benchmarks.probe import PENALTIES, draw_split, fit_probe

PATHS = [f"{n}.jpg" for n in range(60)]
LABELS = np.repeat([0, 1, 2], [30, 29, 1])


def clusters(count, spread, classes=5, seed=0):
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = np.random.default_rng(9).normal(size=(classes, 24))
    rows = (centres[labels] + spread * draw.normal(size=(count, 24))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), labels


@pytest.mark.parametrize(("of_class", "expected"), [(4, [4, 4, 0]), (0.5, [15, 14, 0])])
def test_a_split_takes_so_many_of_each_class_and_leaves_one_for_the_test(of_class, expected):
    split = draw_split(PATHS, LABELS, of_class, 0)
    assert np.bincount(LABELS[split.fit], minlength=3).tolist() == expected
    assert sorted([*split.fit, *split.test]) == list(range(60))


def test_a_split_depends_on_the_paths_and_the_draw_and_not_on_the_order():
    turned = draw_split(PATHS[::-1], LABELS[::-1], 4, 0)
    first = {PATHS[row] for row in draw_split(PATHS, LABELS, 4, 0).fit}
    assert {PATHS[::-1][row] for row in turned.fit} == first
    assert {PATHS[row] for row in draw_split(PATHS, LABELS, 4, 1).fit} != first


@pytest.mark.parametrize(("count", "spread"), [(300, 0.5), (300, 3.0), (12, 1.0)])
def test_the_fit_is_that_of_scikit_learn(count, spread):
    linear = pytest.importorskip("sklearn.linear_model")
    rows, labels = clusters(count, spread)
    test, _ = clusters(200, spread, seed=1)
    peer = linear.RidgeClassifierCV(alphas=PENALTIES).fit(rows.astype(np.float64), labels)
    probe = fit_probe(rows, labels, 5)
    assert probe.penalty == pytest.approx(peer.alpha_)
    # scikit-learn's columns are -1 and 1, ours 0 and 1.
    assert np.allclose(2 * probe.weights, peer.coef_.T, rtol=1e-5, atol=1e-6)
    assert np.array_equal(probe.predict(test), peer.predict(test))


def test_more_features_than_images_are_fitted_too():
    rows, labels = clusters(10, 0.2)
    assert np.mean(fit_probe(rows, labels, 5).predict(rows) == labels) == 1
