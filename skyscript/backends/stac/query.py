"""What is wanted of a STAC collection, and whether an item is it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from image_sources import LicenceClass, StacRoute
from skyscript.imagery.scene_query import SceneQuery

CLOUD = "eo:cloud_cover"
BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What may come of an item that is none."""


@dataclass(frozen=True, kw_only=True)
class StacQuery(SceneQuery):
    """A query for the items of a STAC collection."""

    route: StacRoute
    gsd: float | None
    """The GSD that the config states; None if it states none."""
    source_gsd: float | None
    """The GSD of the source. It is used where neither an asset nor an item states one."""
    time_precision: str
    bands: tuple[int, int, int] | None
    """Red, green and blue of a single asset, where the config says it."""
    licences: tuple[LicenceClass, ...] = ("open",)
    """The classes of licences that an item may state."""


def is_wanted(item: Mapping[str, Any], wanted: StacQuery) -> bool:
    """Say whether an item is of the years, satellite, clearness and licences that are asked for.

    Not every API does what it is asked. An item that states no cloud passes, except where the
    clearest are asked for; a negative number means that it was not computed.
    """
    facts, cloud = item["properties"], cloud_of(item)
    first, last = wanted.years
    if not first <= datetime.fromisoformat(time_of(facts)).year <= last:
        return False
    if wanted.route.platform is not None and facts.get("platform") != wanted.route.platform:
        return False
    if _is_non_commercial(facts.get("license")) and "non_commercial" not in wanted.licences:
        return False
    if cloud is None or cloud < 0:
        return wanted.per_place is None
    return cloud < wanted.max_cloud


def cloud_of(item: Mapping[str, Any]) -> float | None:
    """Give the percentage of cloud that an item states; None if it is none."""
    cloud = item["properties"].get(CLOUD)
    return float(cloud) if isinstance(cloud, int | float) else None


def time_of(facts: Mapping[str, Any]) -> str:
    """Give the time of an item, or the first moment of its range."""
    return str(facts.get("datetime") or facts.get("start_datetime"))


def _is_non_commercial(licence: object) -> bool:
    """Say whether a licence, by its SPDX name, forbids commercial use: CC-BY-NC-4.0."""
    return isinstance(licence, str) and "NC" in licence.upper().replace(" ", "-").split("-")
