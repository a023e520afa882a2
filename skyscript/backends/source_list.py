"""The list of sources: what each covers, and whether its services answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from image_sources import SOURCES, ImageSource
from pipeline.errors import InputError
from skyscript.backends.earth_engine import EarthEngineSource
from skyscript.backends.earth_engine.account import Account, Connection, connect
from skyscript.backends.registry import RemoteSource
from skyscript.backends.stac import search as stac_search
from skyscript.backends.stac.config import find_route
from skyscript.geo.tile import Box
from skyscript.imagery.protocol import ImageryError


def listing(
    earth_engine: Mapping[str, str] = MappingProxyType({}),
    stac: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[str]:
    """Give a line for each source, with the answers of Earth Engine and the archives by alias."""
    form = "{:6}{:>7}  {:10} {:30} {:20} {:48} {}"
    yield form.format("alias", "GSD", "years", "W S E N", "backends", "asset", "licence")
    for source in earth_engine_sources():
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
        if source.alias in earth_engine:
            yield f"{'':6}Earth Engine: {earth_engine[source.alias]}"
        if source.alias in stac:
            yield f"{'':6}STAC: {stac[source.alias]}"


def answers(
    project: str, service_account: Path | None, endpoint: str | None
) -> Iterator[tuple[str, str]]:
    """Ask Earth Engine for each source's asset; gives alias and answer.

    Raises `InputError` without an account.
    """
    connection = connection_of(project, service_account, endpoint)
    for source in earth_engine_sources():
        try:
            asset = asset_of(connection, source)
            yield source.alias, f"answers ({str(asset['type']).lower().replace('_', ' ')})"
        except ImageryError as error:
            yield source.alias, str(error)


def archives_answer() -> Iterator[tuple[str, str]]:
    """Ask the public archives, without an account; gives alias and whether its API answers."""
    for source in earth_engine_sources():
        if source.stac is not None:
            yield source.alias, stac_search.answers(source.stac, Box(*source.coverage))


def answer_of(alias: str, source: RemoteSource) -> str:
    """Ask the service of a configured source; gives in words whether it answers."""
    try:
        if isinstance(source, EarthEngineSource):
            asset = asset_of(connect(source), SOURCES[alias])
            return f"answers ({str(asset['type']).lower().replace('_', ' ')})"
        coverage = SOURCES[alias].coverage if alias in SOURCES else (-180, -90, 180, 90)
        return stac_search.answers(find_route(source, alias), Box(*coverage))
    except (ImageryError, InputError) as error:
        return str(error)


def connection_of(project: str, service_account: Path | None, endpoint: str | None) -> Connection:
    """Sign in; raises `InputError` without an account."""
    given = {"project": project, "service_account": service_account}
    given |= {"endpoint": endpoint} if endpoint else {}
    return connect(Account.model_validate(given))


def earth_engine_sources() -> list[ImageSource]:
    """Give the sources that Earth Engine has."""
    return [source for source in SOURCES.values() if source.layout != "none"]


def asset_of(connection: Connection, source: ImageSource) -> Mapping[str, Any]:
    """Get Earth Engine's description of a source's asset."""
    asset: Mapping[str, Any] = connection.retry(lambda: connection.ee.data.getAsset(source.name))
    return asset
