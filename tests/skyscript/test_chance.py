"""Draws depend on the seed, the object and the purpose alone."""

from skyscript import chance


def test_many_draws_of_a_kind_are_those_of_the_whole_purpose():
    draw = chance.draws(7, "n12", "scene ")
    for name in ("CH/a", "CH/ü", ""):
        assert draw(name) == chance.uniform(7, "n12", f"scene {name}")
    assert draw("CH/a") != chance.draws(8, "n12", "scene ")("CH/a")
