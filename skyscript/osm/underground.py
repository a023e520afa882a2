"""Which objects cannot be seen from above, whatever their tags name: under ground or under a roof.

The keys and values are those of the OpenStreetMap wiki (tunnel, location, covered, indoor, layer,
parking). A negative ``layer`` alone says only that something crosses above, as with every stream
under a bridge; of a building it says that the building is under ground.
"""

from __future__ import annotations

from collections.abc import Mapping

UNDERGROUND = "under ground or under a roof"
"""The reason of an object that is left out for this."""

_HIDDEN_UNLESS_NO = ("tunnel", "indoor")
_HIDDEN_VALUES = {
    "covered": frozenset({"yes", "arcade", "colonnade"}),
    "location": frozenset({"underground", "indoor", "underwater"}),
    "parking": frozenset({"underground"}),
}


def hidden_from_above(tags: Mapping[str, str]) -> bool:
    """Say whether an object is in a tunnel, under ground, under water, indoors or covered."""
    return (
        any(tags.get(key, "no") != "no" for key in _HIDDEN_UNLESS_NO)
        or any(tags.get(key) in values for key, values in _HIDDEN_VALUES.items())
        or ("building" in tags and tags.get("layer", "").startswith("-"))
    )
