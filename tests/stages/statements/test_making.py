"""What the things of a shard show does not depend on what the process made before."""

import numpy as np

from stages.statements.making import _LISTS, _number, _number_of

CHURCH = (("building", "church"),)
HANGAR = (("building", "yes"), ("aeroway", "hangar"))
BOTH = (("building", "church"), ("aeroway", "hangar"), ("roof:shape", "flat"))
"""Neither concept is more specific than the other."""


def numbered(*earlier):
    """Give the concepts of a shard with all three things, after some shards before."""
    _number_of.cache_clear()
    _LISTS.clear()
    for tags in earlier:
        _number_of(tags, "area")
    shown = np.array([_number_of(tags, "area") for tags in (CHURCH, HANGAR, BOTH)])
    listed, concepts = _number(shown, ())
    return listed.tolist(), [one.name for one in concepts.all]


def test_concepts_have_the_same_numbers_whatever_came_before():
    listed, concepts = numbered(CHURCH)
    others, same = numbered(HANGAR, BOTH)
    assert listed != others  # lists do depend on it
    assert same == concepts == sorted(concepts)
    assert {"church", "hangar", "flat roof"} <= set(concepts)
