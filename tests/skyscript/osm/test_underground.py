"""What lies under ground or under a roof is told from what lies below something else."""

import pytest

from skyscript.osm.underground import hidden_from_above


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "primary", "tunnel": "yes"},
        {"waterway": "stream", "tunnel": "culvert"},
        {"highway": "service", "tunnel": "building_passage"},
        {"amenity": "parking", "parking": "underground"},
        {"man_made": "pipeline", "location": "underground"},
        {"highway": "footway", "covered": "yes"},
        {"highway": "corridor", "indoor": "yes"},
        {"building": "garages", "layer": "-1"},
    ],
)
def test_hidden_objects(tags):
    assert hidden_from_above(tags)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"waterway": "stream", "layer": "-1"},
        {"highway": "primary", "tunnel": "no", "covered": "no", "indoor": "no"},
        {"highway": "primary", "bridge": "yes", "layer": "1"},
        {"amenity": "parking", "parking": "surface"},
        {"man_made": "pipeline", "location": "overground"},
        {"building": "garages", "layer": "1"},
        {"amenity": "shelter", "covered": "partial"},
    ],
)
def test_objects_in_the_open(tags):
    assert not hidden_from_above(tags)
