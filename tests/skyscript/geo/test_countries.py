"""The country and the part of the world of a place."""

import pytest

from skyscript.geo.countries import SEA, Region, region_of


@pytest.mark.parametrize(
    ("place", "country", "part"),
    [
        ((8.54, 47.37), "Switzerland", "Europe"),
        ((9.52, 47.14), "Liechtenstein", "Europe"),
        ((7.4246, 43.7384), "Monaco", "Europe"),
        ((85.52, 27.63), "Nepal", "Asia"),
        ((-157.85, 21.31), "United States", "Pacific"),
        ((149.13, -35.28), "Australia", "Australia"),
        ((179.5, -17.9), "Fiji", "Pacific"),
        ((-30.0, 45.0), SEA, SEA),
        ((180.0, 0.0), SEA, SEA),
    ],
)
def test_a_place_lies_in_a_country_or_at_sea(place, country, part):
    assert region_of(*place) == Region(country, part)


def test_every_time_zone_on_land_has_a_country():
    tzfpy = pytest.importorskip("tzfpy")
    from skyscript.geo.countries import _countries

    zones = {name for name in tzfpy.timezonenames() if not name.startswith("Etc/")}
    assert len(zones) > 400
    assert zones <= _countries().keys()
