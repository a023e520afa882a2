"""The two classifiers, learned from the labels with an encoder of letters."""

import numpy as np
import pytest

from tag_vocab import classifier, files
from tag_vocab.classifier import (
    Classifiers,
    Ridge,
    fit_curve,
    key_folds,
    spelling_folds,
    step_targets,
    to_step,
    training_tags,
)
from tag_vocab.likeness import base_key, describe, likeness, spelling
from tests.tag_vocab.letters import Letters, few_lessons


@pytest.fixture(scope="module")
def learned():
    few = few_lessons()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "training_tags", lambda: few)
        return Classifiers(Letters())


def test_lessons_are_all_labels_and_a_tag_of_each_key_that_never_shows():
    known = training_tags()
    labels = [tag for tag in files.labels() if tag[0] != files.ANY]
    assert known.tags[: len(labels)] == labels
    assert len(set(known.tags)) == len(known.tags)
    sure = known.tags[len(labels) :]
    assert len(sure) >= 300
    assert {key for key, _ in sure}.isdisjoint(key for key, _ in labels)
    assert not known.seen[~known.by_hand].any()
    for tag, seen, step in zip(known.tags, known.seen, known.step, strict=True):
        label = files.labels().get(tag)
        assert seen == bool(label and label.groundable)
        assert (files.GSDS[step] if seen else None) == (label.max_gsd if label else None)


@pytest.mark.parametrize(
    ("folds_of", "name_of"),
    [(spelling_folds, spelling), (key_folds, lambda tag: base_key(tag[0]))],
    ids=["spelling", "key"],
)
def test_every_tag_is_in_one_fold_and_no_duplicate_in_another(folds_of, name_of):
    tags = training_tags().tags
    folds = folds_of(tags)
    assert sorted(np.concatenate(folds)) == list(range(len(tags)))
    names = [{name_of(tags[row]) for row in rows} for rows in folds]
    assert sum(map(len, names)) == len(set().union(*names))


def test_what_is_left_out_is_scored_as_if_it_had_never_been_seen():
    known = few_lessons()
    described = describe(known.tags, Letters())
    alike = likeness(described, described)
    targets = classifier.seen_targets(known.seen) - classifier.seen_targets(known.seen).mean(0)
    rows = spelling_folds(known.tags)[3]
    others = np.setdiff1d(np.arange(len(targets)), rows)
    inverse = np.linalg.inv(alike[np.ix_(others, others)] + 0.2 * np.eye(len(others)))
    by_hand = alike[np.ix_(rows, others)] @ inverse @ targets[others]
    middle = classifier.seen_targets(known.seen).mean(0)
    held_out = Ridge(alike, classifier.seen_targets(known.seen)).held_out([rows])
    assert np.allclose(held_out[rows], by_hand + middle)


def test_the_curve_gives_the_share_that_is_true():
    scores = np.repeat([-1.0, 0.0, 1.0], 100)
    truth = np.concatenate([np.arange(100) < share for share in (10, 50, 90)])
    assert np.allclose(fit_curve(scores, truth)(np.array([-1.0, 0.0, 1.0])), [0.1, 0.5, 0.9])


def test_a_step_is_told_by_how_many_steps_it_is_coarser_than():
    steps = np.arange(5)
    assert (to_step(step_targets(steps)) == steps).all()


def test_a_guess_is_sure_of_what_it_learned_and_says_a_gsd_only_of_what_is_seen(learned):
    known = learned.training_tags
    guesses = learned.guess(known.tags)
    right = [guess.groundable == seen for guess, seen in zip(guesses, known.seen, strict=True)]
    assert np.mean(right) > 0.9
    for guess in guesses:
        assert 0 <= guess.probability <= 1
        assert guess.groundable == (guess.max_gsd in files.GSDS)


def test_a_new_tag_is_guessed_from_its_like(learned):
    guess, bakery = learned.guess([("building", "farm_houses"), ("shop", "cheese_and_wine")])
    assert guess.groundable
    assert not bakery.groundable
    _, (nearest_labels,) = learned.guess_with_nearest([("building", "farm_houses")], 5)
    assert {key for (key, _), _ in nearest_labels} == {"building"}
    assert [weight for _, weight in nearest_labels] == sorted(
        (w for _, w in nearest_labels), reverse=True
    )


@pytest.mark.parametrize(
    "text", ["", "x" * 10_240, "\x00\x07\n", "\ud800", "🏠🌳", "\u202egnid", "="]
)
def test_a_hostile_tag_gets_a_guess(learned, text):
    for guess in learned.guess([(text, text), ("building", text), (text, "yes")]):
        assert 0 <= guess.probability <= 1


def test_nothing_asked_nothing_answered(learned):
    assert learned.guess([]) == []
