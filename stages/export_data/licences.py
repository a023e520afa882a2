"""The licence and the attribution of each source of images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from image_sources import SOURCES
from pipeline.errors import InputError
from stages.export_data.config import ExportConfig

NOT_STATED = "not stated"
_HUB_IDS = {
    "CC BY 4.0": "cc-by-4.0",
    "CC BY-NC 4.0": "cc-by-nc-4.0",
    "CC0 1.0": "cc0-1.0",
    "ODbL 1.0": "odbl",
}
"""How the licences begin, and their ids on the Hugging Face hub."""


class Licence(NamedTuple):
    """What a copy of the images of a source must respect."""

    source: str
    licence: str
    licence_class: str | None
    """``open`` or ``non_commercial``; None if the licence is of the user's own words."""
    attribution: str | None

    @property
    def hub_id(self) -> str:
        """The hub's id of the licence; ``other`` if it has none."""
        return next(
            (one for words, one in _HUB_IDS.items() if self.licence.startswith(words)), "other"
        )


def find_licences(aliases: Iterable[str], config: ExportConfig) -> list[Licence]:
    """Give the licence of each source, by alias.

    The options precede the list of sources. Raises `InputError` if a licence allows no copies.
    """
    return [_find(alias, config) for alias in sorted(set(aliases))]


def _find(alias: str, config: ExportConfig) -> Licence:
    own, attribution = config.licences.get(alias), config.attributions.get(alias)
    if own is not None:
        return Licence(alias, own, None, attribution)
    known = SOURCES.get(alias)
    if known is None:
        return Licence(alias, NOT_STATED, None, attribution)
    if known.licence_class == "trace_only":
        raise InputError(
            f"{alias}: its licence ({known.licence}) allows no copies of its images; leave them "
            "out with --only-sources."
        )
    return Licence(alias, known.licence, known.licence_class, attribution or known.attribution)
