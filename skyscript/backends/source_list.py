"""How sources stand: what they cover, and whether they answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from image_sources import SOURCES, ImageSource
from skyscript.backends.earth_engine import EarthEngineSource
from skyscript.backends.earth_engine.account import Connection, connect
from skyscript.backends.stac import search as stac_search
from skyscript.geo.tile import Box
from skyscript.imagery.protocol import ImageryError


def listing(
    said: Mapping[str, str] = MappingProxyType({}),
    archives: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[str]:
    """Give a line for each source, and what Earth Engine and the archives answered, by alias."""
    form = "{:6}{:>7}  {:10} {:30} {:20} {:48} {}"
    yield form.format("alias", "GSD", "years", "W S E N", "backends", "asset", "licence")
    for source in asked_sources():
        first, last = source.years
        yield form.format(
            source.alias,
            f"{source.gsd:g} m",
            f"{first}-{last or ''}",
            " ".join(f"{side:g}" for side in source.coverage),
            "earth_engine, stac" if source.stac else "earth_engine",
            source.name,
            source.licence,
        )
        if source.alias in said:
            yield f"{'':6}Earth Engine: {said[source.alias]}"
        if source.alias in archives:
            yield f"{'':6}STAC: {archives[source.alias]}"


def answers(
    project: str, service_account: Path | None, endpoint: str | None
) -> Iterator[tuple[str, str]]:
    """Ask Earth Engine for each source's asset: alias and what it answered.

    Raises `InputError` where there is no account.
    """
    connection = connection_of(project, service_account, endpoint)
    for source in asked_sources():
        try:
            asset = asset_of(connection, source)
            yield source.alias, f"answers ({str(asset['type']).lower().replace('_', ' ')})"
        except ImageryError as error:
            yield source.alias, str(error)


def archives_answer() -> Iterator[tuple[str, str]]:
    """Ask the public archives: alias and whether its API answers. No account is needed."""
    for source in asked_sources():
        if source.stac is not None:
            yield source.alias, stac_search.answers(source.stac, Box(*source.coverage))


def connection_of(project: str, service_account: Path | None, endpoint: str | None) -> Connection:
    """Sign in; raises `InputError` where there is no account."""
    given = {"project": project, "service_account": service_account}
    given |= {"endpoint": endpoint} if endpoint else {}
    return connect(EarthEngineSource.model_validate(given).account())


def asked_sources() -> list[ImageSource]:
    """Give the sources that Earth Engine has."""
    return [source for source in SOURCES.values() if source.layout != "none"]


def asset_of(connection: Connection, source: ImageSource) -> Mapping[str, Any]:
    """Ask for what Earth Engine says of a source as a whole."""
    asset: Mapping[str, Any] = connection.retry(lambda: connection.ee.data.getAsset(source.name))
    return asset
