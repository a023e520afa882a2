"""Sizes of what labels name, and what follows from them."""

import pytest

from tag_vocab import files
from tag_vocab.sizes import ANY_VIEW, Size, computed_gsd, sizes, view_of
from tests.tag_vocab.test_files import LABELS, broken  # noqa: F401 - a fixture


@pytest.fixture
def forgotten():
    sizes.cache_clear()
    yield
    sizes.cache_clear()


def test_every_visible_label_has_a_size_and_says_why_its_gsd_is_another():
    visible = {tag for tag, label in files.labels().items() if label.groundable}
    assert sizes().keys() == visible  # `sizes` checks the reasons
    departing = [tag for tag in visible if _computed(tag) != files.labels()[tag].max_gsd]
    assert 0 < len(departing) < 0.15 * len(visible)


def _computed(tag):
    return computed_gsd(sizes()[tag])


@pytest.mark.parametrize(
    ("kind", "metres", "gsd"),
    [
        ("compact", 12, 1),
        ("compact", 5, 1),
        ("compact", 4.9, 0.6),
        ("compact", 0.5, 0.1),
        ("compact", 0.4, None),
        ("line", 25, 10),
        ("line", 2, 1),
        ("line", 0.2, 0.1),
        ("extent", 80, 10),
        ("extent", 79, 1),
        ("texture", 2, 1),
    ],
)
def test_a_thing_needs_five_pixels_a_line_two_an_extent_eight(kind, metres, gsd):
    assert computed_gsd(Size(kind, metres)) == gsd


def test_what_skyscript_used_in_images_of_1_m_is_visible_there_and_what_it_left_out_is_not():
    used = (
        "service=driveway golf=cartpath man_made=pier man_made=tower man_made=silo "
        "highway=footway waterway=weir railway=level_crossing"
    )
    left_out = "amenity=bench barrier=hedge highway=bus_stop power=pole"
    for tag in used.split():
        assert files.labels()[tuple(tag.split("="))].max_gsd >= 1, tag
    for tag in left_out.split():
        assert files.labels()[tuple(tag.split("="))].max_gsd < 0.6, tag


def test_by_its_shadow_alone_a_thing_is_visible_at_the_finest_step_only():
    found = [label for label in files.labels().values() if "coarser: by its shadow" in label.reason]
    assert len(found) >= 4
    assert {label.max_gsd for label in found} == {0.1}


def test_a_view_is_large_enough_for_the_thing_and_not_too_large():
    hospital, river, bench = (
        view_of("amenity", "hospital"),
        view_of("waterway", "river"),
        view_of("amenity", "bench"),
    )
    assert hospital.least > 44 and river.least > 22
    assert bench.least < 1 and bench.most < 100
    assert view_of("name", "Oak Street") == ANY_VIEW


def test_a_view_holds_the_thing_at_its_maximum_gsd():
    for tag in sizes():
        assert view_of(*tag).most >= view_of(*tag).least
        assert not view_of(*tag).why_outside(512 * files.labels()[tag].max_gsd)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("sport,golf,yes,1,extent,,a\n", "needs a kind and a size"),
        ("sport,golf,yes,1,round,30,a\n", "needs a kind and a size"),
        ("sport,golf,yes,1,extent,nan,a\n", "needs a kind and a size"),
        ("sport,golf,yes,10,extent,30,a\n", "max_gsd is 10, and extent of 30 m gives 1.0"),
        ("sport,golf,yes,1,extent,30,a; finer: b\n", "only if they differ"),
        ("sport,golf,no,,extent,30,a\n", "has no kind and no size"),
    ],
)
def test_a_size_that_does_not_fit_is_named_with_its_line(broken, forgotten, row, said):  # noqa: F811
    broken("labels.csv", LABELS + row)
    with pytest.raises(ValueError, match=r"tag_vocab/labels\.csv, line 2") as error:
        sizes()
    assert said in str(error.value)
