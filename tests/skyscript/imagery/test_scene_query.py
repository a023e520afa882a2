"""Which scenes are asked for."""

from image_sources import SOURCES
from skyscript.imagery.scene_query import NO_END, OLDEST, years_of


def test_the_years_of_a_config_come_before_those_of_the_source() -> None:
    ended = next(source for source in SOURCES.values() if source.years[1])
    assert years_of((2015, 2016), ended) == (2015, 2016)
    assert years_of(None, ended) == ended.years


def test_a_source_that_goes_on_and_an_unknown_one_have_no_last_year() -> None:
    running = next(source for source in SOURCES.values() if not source.years[1])
    assert years_of(None, running) == (running.years[0], NO_END)
    assert years_of(None, None) == (OLDEST, NO_END)
