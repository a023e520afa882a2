"""The figures, and the table that says them."""

import numpy as np
import pytest

from tag_vocab import classifier
from tag_vocab.evaluation import as_table, balanced_accuracy, evaluate, f1, roc_auc
from tests.tag_vocab.letters import Letters, few_lessons

TRUTH = np.array([True, True, True, False, False])


def test_measures_by_hand():
    said = np.array([True, True, False, True, False])
    assert f1(TRUTH, said) == pytest.approx(2 / 3)
    assert balanced_accuracy(TRUTH, said) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert roc_auc(TRUTH, np.array([3.0, 2, 1, 1, 0])) == pytest.approx(5.5 / 6)
    assert roc_auc(TRUTH, np.zeros(5)) == 0.5


def test_the_table_has_baselines_the_paper_s_way_and_each_part(monkeypatch):
    pytest.importorskip("sklearn", reason="needs skyscript[vocab]")
    few = few_lessons()
    monkeypatch.setattr(classifier, "lessons", lambda: few)
    lines = evaluate(Letters())
    by_name = {(line.name, line.on): line for line in lines}
    always = by_name["all visible", ""]
    assert always.seen.balanced == always.seen.auc == 0.5
    best, new_keys = by_name["+ kinds", "new tags"], by_name["+ kinds", "new keys"]
    assert best.seen.auc > 0.65
    assert best.seen.auc > new_keys.seen.auc > 0.5
    assert best.step.exact > always.step.exact
    assert best.step.within_one > best.step.exact
    assert len(best.seen.found) == 5 and max(best.seen.found) > 0.5
    table = as_table(lines, few)
    assert table.startswith(f"{few.by_hand.sum()} labels, {few.seen.sum()} of them visible")
    assert "share found of the tags visible up to 0.1 m 0." in table
    assert len([row for row in table.splitlines() if row.startswith("|")]) == len(lines) + 2
