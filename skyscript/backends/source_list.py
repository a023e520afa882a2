"""The list of sources: what each covers, and whether its services answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from skyscript.imagery.places import places_within
from skyscript.imagery.protocol import ImageryError


def listing(
    earth_engine: Mapping[str, str] = MappingProxyType({}),
    stac: Mapping[str, str] = MappingProxyType({}),
    near: tuple[float, float] | None = None,
) -> Iterator[str]:
    """Give a line for each source, with the answers of Earth Engine and the archives by alias.

    With ``near`` (longitude, latitude) only those whose coverage holds the place, the finest first.
    """
    form = "{:6}{:>8}  {:10} {:15} {:30} {:20} {:48} {}"
    names = ("alias", "GSD", "years", "licence class", "W S E N", "backends", "name", "licence")
    yield form.format(*names)
    for source in photographs() if near is None else serving([Box(*near, *near)]):
        yield form.format(
            source.alias,
            f"{source.gsd:g} m",
            _years(source),
            source.licence_class,
            " ".join(f"{side:g}" for side in source.coverage),
            ", ".join(_backends(source)),
            source.name,
            source.licence,
        )
        if source.alias in earth_engine:
            yield f"{'':6}Earth Engine: {earth_engine[source.alias]}"
        if source.alias in stac:
            yield f"{'':6}STAC: {stac[source.alias]}"


def photographs() -> list[ImageSource]:
    """Give the sources of photographs, in the order of their list."""
    return [source for source in SOURCES.values() if _backends(source)]


def serving(boxes: Sequence[Box]) -> list[ImageSource]:
    """Give the sources whose coverage touches one of some boxes, the finest first.

    A coverage is a box, too: a source may lack images of a place that it covers.
    """
    near = [source for source in photographs() if places_within(boxes, Box(*source.coverage))]
    return sorted(near, key=lambda source: (source.gsd, source.alias))


def open_sources(boxes: Sequence[Box]) -> dict[str, dict[str, str]]:
    """Give config blocks of the sources of boxes that are open and need no account, by alias."""
    return {
        source.alias: {"backend": "stac"}
        for source in serving(boxes)
        if source.stac is not None and source.licence_class == "open"
    }


def _backends(source: ImageSource) -> list[str]:
    in_earth_engine = ["earth_engine"] if source.layout != "none" else []
    return in_earth_engine + (["stac"] if source.stac else [])


def _years(source: ImageSource) -> str:
    """Give the years of all copies of a source together."""
    copies = [source.years] if source.layout != "none" or source.stac is None else []
    if source.stac is not None:
        copies.append(source.stac.years or source.years)
    lasts = [last for _, last in copies]
    return f"{min(first for first, _ in copies)}-{'' if None in lasts else max(map(int, lasts))}"  # type: ignore[arg-type]


def answers(
    project: str, service_account: Path | None, endpoint: str | None
) -> Iterator[tuple[str, str]]:
    """Ask Earth Engine for each source's asset; gives alias and answer.

    Raises `InputError` without an account.
    """
    connection = connection_of(project, service_account, endpoint)
    for source in earth_engine_sources():
        try:
            yield source.alias, _asset_answers(connection, source)
        except ImageryError as error:
            yield source.alias, str(error)


def archives_answer() -> Iterator[tuple[str, str]]:
    """Ask the public archives, without an account; gives alias and whether its API answers."""
    for source in photographs():
        if source.stac is not None:
            yield source.alias, stac_search.answers(source.stac, Box(*source.coverage))


def answer_of(alias: str, source: RemoteSource) -> str:
    """Ask the service of a configured source; gives in words whether it answers."""
    try:
        if isinstance(source, EarthEngineSource):
            return _asset_answers(connect(source), SOURCES[alias])
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


def _asset_answers(connection: Connection, source: ImageSource) -> str:
    kind = str(asset_of(connection, source)["type"])
    return f"answers ({kind.lower().replace('_', ' ')})"


def asset_of(connection: Connection, source: ImageSource) -> Mapping[str, Any]:
    """Get Earth Engine's description of a source's asset."""
    asset: Mapping[str, Any] = connection.retry(lambda: connection.ee.data.getAsset(source.name))
    return asset
