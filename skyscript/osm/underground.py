"""Finds objects that are invisible from above because they are under ground or under a roof.

The keys and values are those of the OpenStreetMap wiki (tunnel, location, covered, indoor, layer,
parking). A negative ``layer`` alone means only that something crosses above, for example a bridge
over a stream; for a building, it means that the building is under ground.
"""

from __future__ import annotations

from collections.abc import Mapping

UNDERGROUND = "under ground or under a roof"
"""The reason for an object that is dropped by this rule."""

_HIDDEN_UNLESS_NO = ("tunnel", "indoor")
_HIDDEN_VALUES = {
    "covered": frozenset({"yes", "arcade", "colonnade"}),
    "location": frozenset({"underground", "indoor", "underwater"}),
    "parking": frozenset({"underground"}),
}
_KEYS = frozenset({*_HIDDEN_UNLESS_NO, *_HIDDEN_VALUES, "building"})
"""Without one of these keys, no object is hidden."""

HIDING = _KEYS | {"layer"}
"""The keys that decide whether an object is hidden."""


def hidden_from_above(tags: Mapping[str, str]) -> bool:
    """Tell whether an object is in a tunnel, under ground, under water, indoors or covered."""
    if _KEYS.isdisjoint(tags):
        return False
    return (
        any(tags.get(key, "no") != "no" for key in _HIDDEN_UNLESS_NO)
        or any(tags.get(key) in values for key, values in _HIDDEN_VALUES.items())
        or ("building" in tags and tags.get("layer", "").startswith("-"))
    )
