"""How like two tags are."""

import numpy as np
import pytest

from tag_vocab.likeness import PARTS, base_key, describe, likeness, spelling
from tests.tag_vocab.letters import Letters

TAGS = [
    ("leisure", "golf_course"),
    ("golf", "course"),
    ("leisure", "pitch"),
    ("shop", "bakery"),
    ("", ""),
    ("🏠", "مسجد\x00" * 2_000),
    ("\ud800", "x" * 10_240),
]


@pytest.fixture(scope="module")
def described():
    return describe(TAGS, Letters())


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_symmetric_and_positive(described, part):
    alike = likeness(described, described, (part,))
    assert np.allclose(alike, alike.T)
    assert np.linalg.eigvalsh(alike).min() > -1e-9
    assert np.isfinite(alike).all()


def test_parts_add_up(described):
    each = [likeness(described, described, (part,)) for part in PARTS]
    assert np.allclose(sum(each), likeness(described, described))


def test_a_tag_is_most_like_itself_and_more_like_a_tag_of_like_words(described):
    alike = likeness(described, described)
    assert (alike.argmax(1) == np.arange(len(TAGS))).all()
    assert alike[0, 1] > alike[0, 3]
    assert alike[0, 2] > alike[0, 3]


def test_an_unknown_part_is_named(described):
    with pytest.raises(ValueError, match="unknown part 'colour'"):
        likeness(described, described, ("colour",))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("crop", "potato"), ("crop", "potatos")),
        (("golf", "tee_box"), ("golf", "Tee box")),
        (("parking:left", "parallel"), ("parking:lane:right", "parallel")),
        (("power", "Pole"), ("power", "pole")),
    ],
)
def test_tags_that_are_spelt_almost_alike_share_a_spelling(one, other):
    assert spelling(one) == spelling(other)


def test_different_tags_have_different_spellings():
    assert len({spelling(tag) for tag in TAGS[:4]}) == 4
    assert spelling(("a", "b=c")) != spelling(("a", "d"))
    assert base_key("parking:left") == "parking"
    assert base_key("left") == "left"
