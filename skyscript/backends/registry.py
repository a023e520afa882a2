"""The sources of a run: a config block for each alias, and the backend of each block."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from image_sources import SIMULATED, SOURCES
from pipeline.atomic import content_id
from pipeline.stage import TOP_LEVEL
from skyscript.backends import folder_files
from skyscript.backends.earth_engine import EarthEngineBackend, EarthEngineSource
from skyscript.backends.folder import FolderBackend, FolderSource
from skyscript.backends.simulated import SimulatedBackend, SimulatedSource
from skyscript.backends.stac.config import StacSource, refused_licence
from skyscript.backends.stac.source import StacBackend
from skyscript.geo.tile import Box
from skyscript.imagery.protocol import LocalBackend, RemoteBackend, Scene

LocalSource = FolderSource | SimulatedSource
"""Sources on this machine, whose scenes are all listed."""
RemoteSource = EarthEngineSource | StacSource
"""Services, which are searched for scenes of given places."""
Source = Annotated[LocalSource | RemoteSource, Field(discriminator="backend")]

_ALIAS = re.compile(r"[A-Z0-9]{2,3}")
_IN_EARTH_ENGINE = [alias for alias, source in SOURCES.items() if source.layout != "none"]


def _check_aliases(sources: dict[str, Source]) -> dict[str, Source]:
    for alias, source in sources.items():
        if not _ALIAS.fullmatch(alias):
            raise ValueError(
                f"the alias {alias!r} becomes part of file names: two or three of A-Z and 0-9"
            )
        if (alias == SIMULATED) != (source.backend == "simulated"):
            raise ValueError(
                f"the alias {SIMULATED} and the backend `simulated` belong together, so that "
                f"nobody takes rendered tiles for photographs, but {alias!r} has `{source.backend}`"
            )
        if source.backend == "earth_engine" and alias not in _IN_EARTH_ENGINE:
            raise ValueError(
                f"the alias {alias!r} is none of Earth Engine's: {', '.join(_IN_EARTH_ENGINE)}"
            )
        if isinstance(source, StacSource) and (why := refused_licence(source, alias)):
            raise ValueError(why)
    accounts = {s.account() for s in sources.values() if isinstance(s, EarthEngineSource)}
    if len(accounts) > 1:
        raise ValueError(
            "Earth Engine sources of one run must agree in project, service_account, endpoint, "
            "at_once, a_second and longest_answer: a quota is one project's"
        )
    return sources


Sources = Annotated[
    dict[str, Source],
    AfterValidator(_check_aliases),
    Field(
        description="Map each alias (CH, US, SIM …) to the place where its images come from.",
        json_schema_extra=TOP_LEVEL,
    ),
]
"""Alias -> source. The alias is part of every file name: ``a12_CH_19.jpg``."""


@lru_cache(maxsize=64)
def local_backend_of(source: LocalSource) -> LocalBackend:
    """Give the backend of a local source, made once a process."""
    match source:
        case FolderSource():
            return FolderBackend(source)
        case SimulatedSource():
            return SimulatedBackend(source)


@lru_cache(maxsize=64)
def remote_backend_of(source: RemoteSource) -> RemoteBackend:
    """Give the backend of a service, made once a process."""
    match source:
        case EarthEngineSource():
            return EarthEngineBackend(source)
        case StacSource():
            return StacBackend(source)


def find_scenes(
    alias: str, source: LocalSource | RemoteSource, places: Sequence[Box]
) -> Sequence[Scene]:
    """List the scenes of a local source, or those of a service that show a part of the places.

    Raises `InputError` if the source cannot be used.
    """
    if isinstance(source, RemoteSource):
        return remote_backend_of(source).search(alias, places)
    return local_backend_of(source).scenes(alias)


def registry_ids(sources: Sources) -> dict[str, str]:
    """Give an id of what `image_sources` says about each remote source, for the fingerprint."""
    return {
        f"image_sources.{alias}": content_id(
            repr(asdict(replace(SOURCES[alias], licence="", attribution=""))).encode()
        )
        for alias, source in sorted(sources.items())
        if isinstance(source, RemoteSource) and alias in SOURCES
    }


def folder_ids(sources: Sources) -> dict[str, str]:
    """Give an id of the files in each source's folder, for the fingerprint.

    Warns of every unusable file, and raises `InputError` if a folder does not exist or none of its
    files is usable: before the first stage runs, not when the images are needed.
    """
    for alias, source in sorted(sources.items()):
        if isinstance(source, FolderSource):
            FolderBackend(source).check(alias)
    return {
        f"sources.{alias}": folder_files.content(source)
        for alias, source in sorted(sources.items())
        if isinstance(source, FolderSource)
    }
