"""The sources of a run: one config block an alias, and the backend that each asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from image_sources import SIMULATED
from stages.imagery import folder
from stages.imagery.backend import Backend
from stages.imagery.folder import FolderBackend, FolderSource
from stages.imagery.simulated import SimulatedBackend, SimulatedSource

Source = Annotated[FolderSource | SimulatedSource, Field(discriminator="backend")]

_ALIAS = re.compile(r"[A-Z0-9]{2,3}")


def _check_aliases(sources: dict[str, Source]) -> dict[str, Source]:
    for alias, source in sources.items():
        if not _ALIAS.fullmatch(alias):
            raise ValueError(
                f"the alias {alias!r} becomes part of file names: two or three of A-Z and 0-9"
            )
        if (alias == SIMULATED) != (source.backend == "simulated"):
            raise ValueError(
                f"the alias {SIMULATED} and the backend `simulated` belong together: nobody shall "
                f"take rendered tiles for photographs, but {alias!r} has `{source.backend}`"
            )
    return sources


Sources = Annotated[dict[str, Source], AfterValidator(_check_aliases)]
"""Alias -> source. The alias is part of every file name: ``a12_CH_19.jpg``."""


@lru_cache(maxsize=64)
def backend_of(source: FolderSource | SimulatedSource) -> Backend:
    """Give the backend that a config block asks for, made once a process."""
    match source:
        case FolderSource():
            return FolderBackend(source)
        case SimulatedSource():
            return SimulatedBackend(source)


def contents(sources: Sources) -> Mapping[str, str]:
    """Name what lies in the sources' folders by content: it decides a result as the config does.

    Raises `InputError` where a folder is not there.
    """
    return {
        f"sources.{alias}": folder.content(source)
        for alias, source in sorted(sources.items())
        if isinstance(source, FolderSource)
    }
