"""The figures, and the table that says them."""

import numpy as np
import pytest

from tag_vocab import classifier, evaluation, files
from tag_vocab.classifier import TrainingTags
from tag_vocab.evaluation import as_table, evaluate
from tests.tag_vocab.letters import Letters, few_lessons


def test_the_figures_of_stage_i_by_hand():
    pytest.importorskip("sklearn", reason="needs skyscript[vocab]")
    seen = np.array([True, True, True, False, False])
    predicted = np.array([True, True, False, True, False])
    tags = [("key", str(number)) for number in range(5)]
    known = TrainingTags(tags, seen, np.array([0, 0, 1, -1, -1]), np.ones(5, bool))
    found = evaluation._seen(known, predicted, np.array([3.0, 2, 1, 1, 0]))
    assert found.f1 == found.f1_with_sure == pytest.approx(2 / 3)
    assert found.balanced == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.auc == found.auc_with_sure == pytest.approx(5.5 / 6)
    assert found.found == (1, 0, 0, 0, 0)
    assert evaluation._seen(known, predicted, np.zeros(5)).auc == 0.5


@pytest.mark.slow
def test_the_table_has_baselines_the_paper_s_way_and_each_part(monkeypatch):
    pytest.importorskip("sklearn", reason="needs skyscript[vocab]")
    few = few_lessons()
    monkeypatch.setattr(classifier, "training_tags", lambda: few)
    monkeypatch.setattr(evaluation, "SETTINGS", [(2.0, 0.2), (3.0, 0.2)])
    lines = evaluate(Letters())
    by_name = {(line.name, line.on): line for line in lines}
    always = by_name["all visible", ""]
    assert always.seen.balanced == always.seen.auc == 0.5
    best, new_keys = by_name["+ words of iD", "new tags"], by_name["+ words of iD", "new keys"]
    assert best.seen.auc > 0.65
    assert best.seen.auc > new_keys.seen.auc > 0.5
    assert best.step.exact > always.step.exact
    assert best.step.within_one > best.step.exact
    assert len(best.seen.found) == 5 and max(best.seen.found) > 0.5
    table = as_table(lines, few)
    assert table.startswith(f"{few.by_hand.sum()} labels, {few.seen.sum()} of them visible")
    assert "share found of the tags visible up to 0.1 m 0." in table
    assert len([row for row in table.splitlines() if row.startswith("|")]) == len(lines) + 2
    new_tags, new_keys = (
        by_name["settings chosen within each fold", on] for on in ("new tags", "new keys")
    )
    assert new_tags.seen.auc > 0.65 and new_keys.seen.auc > 0.5
    for line in (new_tags, new_keys):
        figures = *line.seen[2:5:2], *line.step
        assert all(
            low < figure < high for figure, (low, high) in zip(figures, line.intervals, strict=True)
        )
    wide, narrow = (np.diff(line.intervals).mean() for line in (new_keys, new_tags))
    assert wide > narrow
    assert "\nsettings chosen within each fold, new keys: balanced accuracy 0." in table
    for number in (1, 2, 3):
        (second,) = (line for line in lines if line.name == f"blind labelling {number}")
        twice = sum(tag in files.second_labels(number) for tag in few.tags)
        assert second.on == f"{twice} tags"
        assert second.seen.balanced > 0.7
    (sized,) = (line for line in lines if line.name.startswith("by size") and line.on == "new tags")
    assert sized.step.within_one > always.step.within_one


def test_a_setting_is_chosen_without_what_it_is_judged_by():
    places = np.random.default_rng(1).normal(size=(24, 3))
    alike = np.exp(-((places[:, None] - places) ** 2).sum(-1))
    targets = np.sign(places[:, :1])
    hidden, *folds = np.arange(24).reshape(4, 6)
    middle = targets.mean(0)
    errors = []
    for rows in folds:
        others = np.setdiff1d(np.arange(6, 24), rows)
        inverse = np.linalg.inv(alike[np.ix_(others, others)] + 0.2 * np.eye(len(others)))
        said = alike[np.ix_(rows, others)] @ inverse @ (targets[others] - middle)
        errors.append((targets[rows] - middle - said) ** 2)
    found = classifier.Ridge(alike, targets).error_without(hidden, folds)
    assert found == pytest.approx(np.mean(errors))


def test_each_blind_labelling_is_of_labelled_tags_of_its_own_and_on_the_scale():
    rounds = [files.second_labels(number) for number in (1, 2, 3)]
    assert [len(found) for found in rounds] == [300, 300, 300]
    assert len({tag for found in rounds for tag in found}) == 900
    for tag, gsd in (item for found in rounds for item in found.items()):
        assert tag in files.labels()
        assert gsd is None or gsd in files.GSDS
