"""A polished text says what its tags say, and nothing else."""

import pytest

from stages.polish.guard import problem_of

CHURCH = (("building", "church"),)
COURT = (("leisure", "pitch"), ("sport", "tennis"))
STREET = (("highway", "residential"), ("lanes", "2"), ("surface", "asphalt"))
BRIDGE = (("man_made", "bridge"),)
TWO = (("sport", "tennis"), ("sport", "basketball"), ("leisure", "pitch"))


@pytest.mark.parametrize(
    ("tags", "text"),
    [
        (CHURCH, "Church"),
        (CHURCH, "A church"),
        (CHURCH, "A church building."),
        (COURT, "A tennis court."),
        (COURT, "A pitch for tennis"),
        (STREET, "A residential street with two lanes of asphalt."),
        (STREET, "An asphalt residential road with 2 lanes"),
        (BRIDGE, "Man-made bridge."),
        (TWO, "A sports pitch for tennis and basketball"),
        ((("building", "yes"),), "A building"),
    ],
)
def test_a_faithful_text_passes(tags: tuple[tuple[str, str], ...], text: str) -> None:
    assert problem_of(text, tags, "a") is None


@pytest.mark.parametrize(
    ("tags", "text", "problem"),
    [
        (CHURCH, "A building", "it does not say building=church"),
        (CHURCH, "A church beside a river", "it names a river, which no tag says"),
        (CHURCH, "A church with a car park.", "it names a car park, which no tag says"),
        (CHURCH, "A satellite view of a church", "it speaks of the satellite"),
        (CHURCH, "Eine Kirche (church)", "it is not plain English"),
        (CHURCH, "教堂 church", "it is not plain English"),
        (CHURCH, "A church\n\nHope this helps!", "it is not one plain sentence"),
        (CHURCH, "", "it is too long, or empty"),
        (CHURCH, "church " * 30, "it is too long, or empty"),
        (CHURCH, "Three churches", "it changes a number"),
        (STREET, "A residential street with three asphalt lanes", "it changes a number"),
        (STREET, "A residential street with two lanes", "it does not say surface=asphalt"),
        (TWO, "A tennis pitch", "it does not say sport=basketball"),
        ((("building", "yes"),), "A church building", "it names a church, which no tag says"),
    ],
)
def test_a_text_that_says_less_or_more_is_refused(
    tags: tuple[tuple[str, str], ...], text: str, problem: str
) -> None:
    assert problem_of(text, tags, "a") == problem
