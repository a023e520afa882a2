"""Confidence intervals of an evaluation, and the published figures beside its own."""

import time

import numpy as np
import pytest

from stages.evaluate.intervals import Measured, accuracy_intervals, interval, resample
from stages.evaluate.published import FARSLIP_MODELS
from stages.evaluate.retrieval import AT, Ranking, View
from stages.evaluate.table import format_tables


def ranks(right, wrong):
    return np.repeat([1, 9], [right, wrong])


def test_the_interval_of_an_accuracy_is_that_of_a_share():
    low, high = accuracy_intervals(ranks(600, 400), (1,))[0]
    error = 1.96 * np.sqrt(0.6 * 0.4 / 1000)
    assert low == pytest.approx(0.6 - error, abs=0.004)
    assert high == pytest.approx(0.6 + error, abs=0.004)


def test_an_interval_is_the_same_each_time_and_narrows_with_more_images():
    few, many = (accuracy_intervals(ranks(6 * n, 4 * n), (1,))[0] for n in (10, 1000))
    assert few == accuracy_intervals(ranks(60, 40), (1,))[0]
    assert few[0] < many[0] < 0.6 < many[1] < few[1]


def test_an_accuracy_without_mistakes_has_no_width():
    assert accuracy_intervals(ranks(50, 0), (1, 5)) == [[1, 1], [1, 1]]


def test_grouping_equal_images_draws_as_a_plain_bootstrap_over_images_does():
    draw = np.random.default_rng(3)
    image_of = np.sort(draw.integers(0, 80, 300))
    hits = draw.random((300, 2)) < 0.4
    part = Measured.of(hits, image_of, 80)
    ours = resample([part], 4000)[0]
    plain = []
    for _ in range(4000):
        images = draw.integers(0, 80, 80)
        plain.append(part.results[images].sum(0) / part.queries[images].sum())
    for column in range(2):
        assert interval(ours[:, column]) == pytest.approx(
            interval(np.array(plain)[:, column]), abs=0.008
        )


def test_captions_of_one_image_are_not_taken_as_independent():
    """Five captions that succeed or fail together tell as much as one."""
    image_of = np.repeat(np.arange(100), 5)
    place = np.where(image_of < 50, 1, 999)
    images = Ranking(np.where(np.arange(100) < 50, 1, 999), np.zeros(100, np.int64))
    view = View(images, Ranking(place, np.zeros(500, np.int64)), image_of)
    found = view.recalls()["intervals"]
    assert found["text_to_image"]["R@1"] == pytest.approx(found["image_to_text"]["R@1"])
    assert found["image_to_text"]["R@1"][1] - found["image_to_text"]["R@1"][0] > 0.17


def test_every_recall_lies_within_its_interval():
    draw = np.random.default_rng(0)
    places = [Ranking(draw.integers(1, 200, n), np.zeros(n, np.int64)) for n in (90, 200)]
    found = View(*places, draw.integers(0, 90, 200)).recalls()
    for way in ("image_to_text", "text_to_image"):
        for name in (*(f"R@{k}" for k in AT), "mean_recall"):
            low, high = found["intervals"][way][name]
            assert low <= found[way][name] <= high


@pytest.mark.slow
def test_intervals_of_a_large_set_are_quick():
    start = time.process_time()
    accuracy_intervals(np.random.default_rng(0).integers(1, 60, 1_000_000), (1, 5))
    assert time.process_time() - start < 5


def results(**more):
    scene = {"kind": "scene", "top1": 0.5, **more}
    mean = {"top1": None, "partial_top1": 0.5, "over": ["aid"]}
    return {
        "model": {"name": "mine"},
        "protocol": "fp32",
        "sets": {"aid": scene},
        "mean_of_seven": mean,
    }


def test_a_table_shows_the_interval_and_the_published_figures_of_each_set():
    shown = format_tables([results(top1_interval=[0.48, 0.53])])
    assert "50.00 ± 2.50" in shown
    row = next(line for line in shown.splitlines() if "FarSLIP-s2 ViT-B-32" in line)
    assert [cell.strip() for cell in row.split("|")[2:4]] == ["73.30", "61.02"]


def test_results_of_an_older_version_are_shown_without_intervals():
    shown = format_tables([results()])
    assert "| 50.00 " in shown
    assert "±" not in shown


def test_the_published_means_are_those_of_the_published_sets():
    for model in FARSLIP_MODELS:
        seven = [share for name, share in model.top1.items() if name != "SkyScript_cls"]
        assert len(seven) == 7
        assert np.mean(seven) == pytest.approx(model.mean_top1, abs=0.011)


def test_a_table_shows_the_probes_of_each_model():
    probes = {
        "linear_probe": {"share": 0.5, "top1": 0.9, "top1_interval": [0.88, 0.92]},
        "few_shot": {"4": {"top1": 0.7}},
    }
    shown = format_tables([results(**probes), results()])
    rows = [line for line in shown.splitlines() if "mine" in line and "4 a class" in line]
    assert "| 70.00 " in rows[0]
    assert "mine (fp32), 50% of each class" in shown
    assert "| 90.00 ± 2.00 " in shown
