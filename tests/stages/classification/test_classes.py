"""Which tags become classes: enough images show one class and no other class."""

import numpy as np
import pytest

from stages.classification import ClassificationConfig
from stages.classification.classes import TAKES, Mentions, choose_classes

NEED = 4


def choose(churches, pitches, around):
    """Choose among two tags; ``around`` are the images that show a pitch beside their object."""
    focus = {"church": np.arange(churches), "pitch": churches + np.arange(pitches)}
    anywhere = focus | {"pitch": np.sort(np.append(focus["pitch"], around))}
    tags = {name: [name] for name in focus}
    tagged = {name: len(rows) for name, rows in focus.items()}
    config = ClassificationConfig(classes=2, per_class=NEED)
    return choose_classes(Mentions(focus, anywhere, tags, tagged), churches + pitches, config)


def test_an_image_that_shows_two_classes_belongs_to_none():
    found = choose(6, 6, [0, 3])
    assert {name: rows.tolist() for name, rows in found.rows.items()} == {
        "church": [1, 2, 4, 5],
        "pitch": [6, 7, 8, 9, 10, 11],
    }


@pytest.mark.parametrize(("churches", "classes"), [(NEED + 1, 2), (NEED, 1)])
def test_each_class_keeps_as_many_images_as_are_asked_and_need_not_keep_more(churches, classes):
    found = choose(churches, NEED, [0])
    assert len(found.rows) == classes
    if classes == 1:
        assert found.not_chosen == {"pitch": TAKES}
