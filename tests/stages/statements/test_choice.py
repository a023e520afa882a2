"""Claims that are drawn first are measured first, and no more than an image needs."""

from dataclasses import replace

import numpy as np
import pytest

from stages import tables
from stages.statements.choice import Choice, _order
from stages.statements.kinds import KINDS
from stages.statements.making import make_scenes, usable
from tests.stages.statements.test_statements import IMAGE, META, objects, table_of

__all__ = ["objects"]  # a fixture


@pytest.fixture(scope="module")
def scenes(objects):
    rows = usable(table_of([META], tables.META), table_of([IMAGE], tables.IMAGES))
    return make_scenes(rows, objects, None)


@pytest.mark.parametrize("name", ["direction", "distance", "relation"])
def test_a_few_claims_are_the_first_of_all(name, scenes):
    every, few = (Choice(scenes, 3, count).of(KINDS[name]) for count in (1000, 3))
    assert len(every.draws) > 3
    assert few.draws.tolist() == every.draws[:3].tolist()
    assert few.claims.value.tolist() == every.claims.value[:3].tolist()
    assert (np.diff(every.draws.astype(float)) >= 0).all()


def test_claims_behind_the_last_one_that_is_needed_are_not_measured(scenes):
    kind, measured = KINDS["direction"], []

    def count(claims, scenes):
        measured.append(len(claims.image))
        return kind.measure(claims, scenes)

    Choice(scenes, 0, 2).of(replace(kind, measure=count))
    assert sum(measured) < len(kind.make(scenes).image) / 2


@pytest.mark.parametrize("most", [3, 1 << 60])
def test_claims_are_ordered_by_image_and_draw_and_equal_ones_as_they_stand(most):
    draw = np.random.default_rng(5)
    images, draws = draw.integers(0, 9, 500), draw.integers(0, most, 500).astype(np.uint64)
    rows = sorted(range(500), key=lambda row: (images[row], draws[row], row))
    assert _order(images, draws).tolist() == rows
    assert _order(images[:0], draws[:0]).tolist() == []
