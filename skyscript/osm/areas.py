"""Decides whether a closed way is an area or a line, and names the tag that decided.

The rules follow the published polygon-features list of overpass turbo (osm-polygon-features, CC0):
a key makes an area with every value, with every value except some, or only with some values. They
differ from it as follows, after the exceptions of OSM's iD editor and the evidence in aerial
images:

- ``area=*`` wins over everything: ``no`` is a line, any other value an area.
- ``junction``, ``sport``, ``surface`` and ``crop`` decide nothing: a roundabout is a road.
- ``barrier`` decides nothing: a closed hedge or wall encloses an area, but is not an area.
- Running tracks, water slides, toboggan runs and similar things are closed lines.
- A key with a lifecycle prefix (``disused:``, ``construction:`` ...) counts as the key itself.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _sets(**values: str) -> Mapping[str, frozenset[str]]:
    return {key: _words(text) for key, text in values.items()}


EVERY_VALUE = _words(
    "area:highway boundary building building:part cemetery club craft healthcare landuse office "
    "place public_transport ruins shop tourism"
)
"""Keys whose every value makes a closed way an area."""

EVERY_VALUE_BUT = _sets(
    aeroway="jet_bridge parking_position taxilane taxiway",
    amenity="bench",
    attraction="dark_ride log_flume river_rafting summer_toboggan train water_slide",
    golf="cartpath hole path",
    historic="aqueduct citywalls railway road",
    leisure="slipway track",
    man_made="cutline dyke embankment goods_conveyor pipeline",
    military="trench",
    natural="arete cliff coastline earth_bank fault gully ridge tree_row valley",
    playground="balancebeam rope_traverse ropeway zipwire",
)
"""Keys that make a closed way an area, and the values with which it is a line."""

ONLY_VALUES = _sets(
    **{"piste:type": "playground snow_park"},
    highway="elevator escape platform rest_area services",
    indoor="area room",
    power="generator plant station sub_station substation transformer",
    railway="platform roundhouse station traverser turntable",
    traffic_calming="island",
    waterway="boatyard dam dock riverbank",
)
"""Keys of lines, and the few values with which a closed way is an area."""

LIFECYCLE = frozenset(("abandoned", "construction", "demolished", "disused", "proposed", "razed"))
"""Prefixes that do not change the shape that a key implies."""


class Decision(NamedTuple):
    """What a closed way is, and why."""

    is_area: bool
    rule: str
    """``area=no``, ``building`` (the key), ``leisure=track`` (the value) or ``no area tag``."""


def closed_way(tags: Mapping[str, str]) -> Decision:
    """Decide whether a closed way is an area or a line, from its tags alone.

    The first tag that makes it an area decides. If there is none, the rule is the last tag that
    makes it a line.
    """
    area = tags.get("area")
    if area:
        return Decision(area != "no", f"area={area}")
    line_rule = "no area tag"
    for name, value in tags.items():
        key = _without_lifecycle(name)
        if value == "no":
            continue
        if key in EVERY_VALUE:
            return Decision(True, name)
        if value in ONLY_VALUES.get(key, ()):
            return Decision(True, f"{name}={value}")
        if key in EVERY_VALUE_BUT:
            if value not in EVERY_VALUE_BUT[key]:
                return Decision(True, name)
            line_rule = f"{name}={value}"
    return Decision(False, line_rule)


@functools.cache
def decides(key: str) -> bool:
    """Say whether tags of this key can decide what a closed way is."""
    name = _without_lifecycle(key)
    return name == "area" or name in EVERY_VALUE | EVERY_VALUE_BUT.keys() | ONLY_VALUES.keys()


def area_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Give the tags of which each one alone makes a closed way an area."""
    return {
        key: value for key, value in tags.items() if key != "area" and closed_way({key: value})[0]
    }


def _without_lifecycle(key: str) -> str:
    prefix, _, rest = key.partition(":")
    return rest if rest and prefix in LIFECYCLE else key
